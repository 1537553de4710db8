package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// echo answers each message with an empty reply.
type echo struct {
	extprocv3.UnimplementedExternalProcessorServer
}

func (echo) Process(stream extprocv3.ExternalProcessor_ProcessServer) error {
	for {
		if _, err := stream.Recv(); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		if err := stream.Send(&extprocv3.ProcessingResponse{}); err != nil {
			return err
		}
	}
}

type running struct {
	conn    *grpc.ClientConn
	stop    context.CancelFunc // what SIGTERM does
	stopped chan error
}

func start(t *testing.T, o Options, creds credentials.TransportCredentials) *running {
	t.Helper()
	return startWith(t, echo{}, o, creds)
}

func startWith(t *testing.T, p extprocv3.ExternalProcessorServer, o Options, creds credentials.TransportCredentials) *running {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	if o.MaxBodyBytes == 0 {
		o.MaxBodyBytes = 8 << 20
	}
	s, err := New(p, o)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{stop: cancel, stopped: make(chan error, 1)}
	go func() { r.stopped <- s.Run(ctx, listener) }()
	if r.conn, err = grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(creds)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.conn.Close(); cancel() })
	return r
}

func (r *running) open(t *testing.T) extprocv3.ExternalProcessor_ProcessClient {
	t.Helper()
	stream, err := extprocv3.NewExternalProcessorClient(r.conn).Process(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	exchangeOne(t, stream)
	return stream
}

func exchangeOne(t *testing.T, stream extprocv3.ExternalProcessor_ProcessClient) {
	t.Helper()
	if err := stream.Send(&extprocv3.ProcessingRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
}

func (r *running) health(t *testing.T, service string) healthv1.HealthCheckResponse_ServingStatus {
	t.Helper()
	reply, err := healthv1.NewHealthClient(r.conn).Check(t.Context(), &healthv1.HealthCheckRequest{Service: service})
	if err != nil {
		t.Fatal(err)
	}
	return reply.GetStatus()
}

func (r *running) ends(t *testing.T) {
	t.Helper()
	select {
	case err := <-r.stopped:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the server does not end")
	}
}

func TestHealth(t *testing.T) {
	r := start(t, Options{}, insecure.NewCredentials())
	for _, service := range []string{"", "envoy.service.ext_proc.v3.ExternalProcessor"} {
		if got := r.health(t, service); got != healthv1.HealthCheckResponse_SERVING {
			t.Errorf("%q is %s", service, got)
		}
	}
}

func TestMessagesLargerThanTheDefaultOfGRPC(t *testing.T) {
	r := start(t, Options{MaxBodyBytes: 8 << 20}, insecure.NewCredentials())
	stream := r.open(t)
	send := func(size int) error {
		body := &extprocv3.HttpBody{Body: make([]byte, size)}
		err := stream.Send(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestBody{RequestBody: body}})
		if err == nil {
			_, err = stream.Recv()
		}
		return err
	}
	if err := send(8 << 20); err != nil {
		t.Error(err)
	}
	if err := send(10 << 20); status.Code(err) != codes.ResourceExhausted {
		t.Error(err)
	}
}

func TestGracefulStop(t *testing.T) {
	r := start(t, Options{DrainDelay: 300 * time.Millisecond, Grace: 10 * time.Second}, insecure.NewCredentials())
	open := r.open(t)
	r.stop()
	// During the drain delay: no longer healthy, but at work.
	for r.health(t, "") != healthv1.HealthCheckResponse_NOT_SERVING {
		time.Sleep(time.Millisecond)
	}
	late := r.open(t)

	time.Sleep(400 * time.Millisecond)
	exchangeOne(t, open) // after it: open streams are still served
	exchangeOne(t, late)
	open.CloseSend()
	late.CloseSend()
	r.ends(t)
}

func TestGracefulStopHasADeadline(t *testing.T) {
	r := start(t, Options{Grace: 100 * time.Millisecond}, insecure.NewCredentials())
	stream := r.open(t)
	r.stop()
	r.ends(t)
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("got %v", err)
	}
}

// slow takes its time after Envoy has gone.
type slow struct {
	extprocv3.UnimplementedExternalProcessorServer
	begun chan struct{}
	ended atomic.Bool
}

func (s *slow) Process(stream extprocv3.ExternalProcessor_ProcessServer) error {
	close(s.begun)
	<-stream.Context().Done()
	time.Sleep(200 * time.Millisecond)
	s.ended.Store(true)
	return nil
}

func TestNoExchangeIsLeftAfterRun(t *testing.T) {
	p := &slow{begun: make(chan struct{})}
	r := startWith(t, p, Options{Grace: 10 * time.Millisecond}, insecure.NewCredentials())
	if _, err := extprocv3.NewExternalProcessorClient(r.conn).Process(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-p.begun
	r.stop()
	r.ends(t)
	if !p.ended.Load() {
		t.Error("Run returned before the exchange had ended")
	}
}

func TestTLSUsesRenewedCertificates(t *testing.T) {
	folder := t.TempDir()
	cert, key := filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	if _, err := New(echo{}, Options{CertFile: cert, KeyFile: key}); err == nil {
		t.Error("starts without its certificate")
	}
	old := writeCertificate(t, cert, key)
	r := start(t, Options{CertFile: cert, KeyFile: key}, credentials.NewTLS(&tls.Config{RootCAs: old, ServerName: "localhost"}))
	r.health(t, "")

	renewed := writeCertificate(t, cert, key)
	conn, err := grpc.NewClient(r.conn.Target(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: renewed, ServerName: "localhost"})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	(&running{conn: conn}).health(t, "")
}

func writeCertificate(t *testing.T, certFile, keyFile string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	for file, text := range map[string][]byte{certFile: certPEM, keyFile: keyPEM} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return pool
}

func TestServeMetrics(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- ServeMetrics(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "metrics") }))
	}()
	for path, want := range map[string]string{"/metrics": "metrics", "/": "404"} {
		response, err := http.Get("http://" + listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if !strings.Contains(response.Status+string(body), want) {
			t.Errorf("%s: %s %s", path, response.Status, body)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
