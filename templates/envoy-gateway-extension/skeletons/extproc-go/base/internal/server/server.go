// Package server runs the gRPC server and the metrics endpoint, and stops them
// without losing an exchange.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
)

// messageOverheadBytes is what a message holds beside the body: headers,
// attributes and metadata.
const messageOverheadBytes = 1 << 20

// Options are the server's settings.
type Options struct {
	// MaxBodyBytes is the largest body that the processor accepts.
	MaxBodyBytes int
	// DrainDelay is how long the server goes on accepting streams after it has
	// become NOT_SERVING: until every Envoy has heard of it.
	DrainDelay time.Duration
	// Grace is how long open streams may take to end after that.
	Grace time.Duration
	// CertFile and KeyFile turn TLS on.
	CertFile, KeyFile string
	Log               *slog.Logger
}

// Server is the gRPC server with the ext_proc and the health service.
type Server struct {
	grpc    *grpc.Server
	health  *health.Server
	options Options
}

// New returns a server that is ready to serve.
func New(processor extprocv3.ExternalProcessorServer, o Options) (*Server, error) {
	options := []grpc.ServerOption{
		// Run returns when every exchange has ended, also after the grace.
		grpc.WaitForHandlers(true),
		// The default of 4 MB is less than a body may be.
		grpc.MaxRecvMsgSize(o.MaxBodyBytes + messageOverheadBytes),
		// Fixed windows, Envoy Gateway's own: otherwise gRPC lets each stream send up
		// to 16 MiB that nobody has read.
		grpc.StaticStreamWindowSize(64 << 10),
		grpc.StaticConnWindowSize(1 << 20),
		// Envoy may be set to send keepalive pings, also while idle. The default
		// policy would close its connection for that.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		// Finds connections whose Envoy has vanished.
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
	}
	if o.CertFile != "" {
		credentials, err := tlsCredentials(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, err
		}
		options = append(options, grpc.Creds(credentials))
	}
	s := &Server{grpc: grpc.NewServer(options...), health: health.NewServer(), options: o}
	extprocv3.RegisterExternalProcessorServer(s.grpc, processor)
	healthv1.RegisterHealthServer(s.grpc, s.health)
	s.health.SetServingStatus(extprocv3.ExternalProcessor_ServiceDesc.ServiceName, healthv1.HealthCheckResponse_SERVING)
	return s, nil
}

// tlsCredentials reads the files for every handshake, so that a renewed
// certificate is used at once. Envoy keeps its connections: handshakes are few.
func tlsCredentials(certFile, keyFile string) (credentials.TransportCredentials, error) {
	load := func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		return &pair, err
	}
	if _, err := load(nil); err != nil {
		return nil, fmt.Errorf("cannot load the TLS certificate: %w", err)
	}
	return credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: load}), nil
}

// Run serves until ctx is done, then drains. When it returns no exchange is
// left. It returns an error only if serving failed.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- s.grpc.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}

	log := s.options.Log
	log.Info("draining", "drain_delay", s.options.DrainDelay.String(), "grace", s.options.Grace.String())
	s.health.Shutdown()
	time.Sleep(s.options.DrainDelay)

	stopped := make(chan struct{})
	go func() { s.grpc.GracefulStop(); close(stopped) }()
	select {
	case <-stopped:
		log.Info("stopped")
	case <-time.After(s.options.Grace):
		log.Warn("stopped with streams still open; raise -grace and the pod's terminationGracePeriodSeconds if responses take that long")
		s.grpc.Stop()
	}
	return <-served
}

// ServeMetrics serves the handler at /metrics until ctx is done.
func ServeMetrics(ctx context.Context, listener net.Listener, handler http.Handler) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", handler)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
