// Command ext-proc-server is an external processor (ext_proc) for Envoy. What
// it does to requests and responses is in internal/extension.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/extension"
	"ext-proc-server/internal/processor"
	"ext-proc-server/internal/server"
	"ext-proc-server/internal/telemetry"
)

type options struct {
	config, secrets       string
	listen, metricsListen string
	limits                processor.Limits
	logLevel              slog.Level
	server                server.Options
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the exit code: 0 after a clean stop, 1 for a wrong setting or a
// failure, 2 for a wrong flag. Events go to stdout, everything else to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: o.logLevel}))
	if err := serve(ctx, o, stdout, log); err != nil {
		log.Error("cannot run", "error", err.Error())
		return 1
	}
	return 0
}

func parseFlags(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("ext-proc-server", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.config, "config", "/etc/ext-proc/settings.json", "settings `file`")
	flags.StringVar(&o.secrets, "secrets", "/etc/ext-proc-secrets", "`folder` with one file per secret; it need not exist if the settings name none")
	flags.StringVar(&o.listen, "listen", ":9002", "`address` of the gRPC server")
	flags.StringVar(&o.metricsListen, "metrics-listen", ":9090", "`address` of /metrics; empty turns it off")
	flags.IntVar(&o.limits.MaxBodyBytes, "max-body-bytes", 8<<20, "largest body that is processed, in bytes")
	flags.IntVar(&o.limits.MaxCollectedBytes, "max-collected-bytes", 64<<20, "all bodies that are held at once, in bytes; the process needs up to four times as much memory for them")
	flags.DurationVar(&o.server.DrainDelay, "drain-delay", 20*time.Second, "after SIGTERM: time to accept new streams while NOT_SERVING")
	flags.DurationVar(&o.server.Grace, "grace", 30*time.Second, "after the drain delay: time for open streams to end")
	flags.StringVar(&o.server.CertFile, "tls-cert", "", "PEM `file` of the certificate; turns TLS on")
	flags.StringVar(&o.server.KeyFile, "tls-key", "", "PEM `file` of the certificate's key")
	flags.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "debug, info, warn or error")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	err := checkFlags(flags.Args(), o)
	if err != nil {
		fmt.Fprintln(stderr, err)
	}
	return o, err
}

func checkFlags(rest []string, o options) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q; all settings are flags, see -help", rest[0])
	case o.limits.MaxBodyBytes <= 0 || o.limits.MaxBodyBytes > 1<<30:
		return fmt.Errorf("-max-body-bytes: %d is not allowed; use 1 to 1073741824", o.limits.MaxBodyBytes)
	case o.limits.MaxCollectedBytes < o.limits.MaxBodyBytes:
		return fmt.Errorf("-max-collected-bytes: %d is not allowed; use at least -max-body-bytes (%d)", o.limits.MaxCollectedBytes, o.limits.MaxBodyBytes)
	case o.server.DrainDelay < 0 || o.server.Grace < 0:
		return errors.New("-drain-delay and -grace must not be negative")
	case (o.server.CertFile == "") != (o.server.KeyFile == ""):
		return errors.New("-tls-cert and -tls-key go together; give both or none")
	}
	return nil
}

func serve(ctx context.Context, o options, events io.Writer, log *slog.Logger) (err error) {
	metrics := telemetry.New()
	ext, err := loadExtension(o.config, environment.OS(o.secrets, events, log, metrics.Registerer()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeExtension(ext)) }()
	o.server.MaxBodyBytes, o.server.Log = o.limits.MaxBodyBytes, log
	srv, err := server.New(processor.New(ext, o.limits, log, metrics), o.server)
	if err != nil {
		return err
	}

	// Everything that can be wrong has been checked: only now listen.
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("-listen: %w", err)
	}
	if o.metricsListen != "" {
		metricsListener, err := net.Listen("tcp", o.metricsListen)
		if err != nil {
			return fmt.Errorf("-metrics-listen: %w", err)
		}
		// Metrics stay up while the server drains.
		metricsCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
		defer stop()
		go func() {
			if err := server.ServeMetrics(metricsCtx, metricsListener, metrics.Handler()); err != nil {
				log.Error("metrics endpoint failed", "error", err.Error())
			}
		}()
	}
	log.Info("listening", "address", listener.Addr().String(), "metrics", o.metricsListen, "tls", o.server.CertFile != "", "max_body_bytes", o.limits.MaxBodyBytes, "max_collected_bytes", o.limits.MaxCollectedBytes)
	return srv.Run(ctx, listener)
}

func loadExtension(path string, env environment.Environment) (*extension.Extension, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("-config: %w", err)
	}
	defer file.Close()
	ext, err := extension.Load(file, env)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return ext, nil
}

// closeExtension lets an extension that is an io.Closer finish its work.
func closeExtension(ext any) error {
	closer, ok := ext.(io.Closer)
	if !ok {
		return nil
	}
	if err := closer.Close(); err != nil {
		return fmt.Errorf("cannot close the extension: %w", err)
	}
	return nil
}
