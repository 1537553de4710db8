package bucket

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/sony/gobreaker/v2"
)

//go:embed redis.lua
var scriptText string

var script = redis.NewScript(scriptText)

// After failuresToOpen failures in a row Redis is left alone for openFor: then
// a Redis that does not answer costs nobody its timeout.
const (
	failuresToOpen = 3
	openFor        = time.Second
)

// The client's own log goes where ours does, at level debug: what matters comes
// back as an error.
type clientLog struct{ log *slog.Logger }

func (c clientLog) Printf(_ context.Context, format string, values ...any) {
	c.log.Debug("redis client: " + fmt.Sprintf(format, values...))
}

// LogClient sends the log of all Redis clients of this process to log instead of
// standard error.
func LogClient(log *slog.Logger) { redis.SetLogger(clientLog{log}) }

// Reasons of failures, for metrics.
const (
	ReasonAway           = "away" // left alone after failures
	ReasonAuthentication = "authentication"
	ReasonTimeout        = "timeout"
	ReasonConnection     = "connection"
	ReasonOther          = "other"
)

// Reason tells why a store failed.
func Reason(err error) string {
	var refused redis.Error
	var connection *net.OpError
	switch {
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		return ReasonAway
	case errors.As(err, &refused) && isAuthentication(refused.Error()):
		return ReasonAuthentication
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return ReasonTimeout
	case errors.As(err, &connection):
		return ReasonConnection
	}
	return ReasonOther
}

// isAuthentication knows the error codes of Redis for users and passwords.
func isAuthentication(text string) bool {
	code, _, _ := strings.Cut(text, " ")
	return code == "WRONGPASS" || code == "NOAUTH" || code == "NOPERM" || strings.HasPrefix(text, "ERR AUTH")
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// Redis keeps buckets in one Redis, for all processors that use it. Its clock
// is the only one.
type Redis struct {
	client  *redis.Client
	breaker *gobreaker.CircuitBreaker[[]int64]
	timeout time.Duration
}

// NewRedis prepares for the Redis of url: redis://[user@]host:port[/database],
// or rediss:// for TLS. It does not connect yet. changed is called when Redis
// is left alone and when it is used again.
func NewRedis(url, password string, timeout time.Duration, changed func(away bool)) (*Redis, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	if password != "" {
		options.Password = password
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = timeout, timeout, timeout, timeout
	options.ContextTimeoutEnabled = true
	// Taking twice is wrong: an answer that got lost is no reason to ask again.
	options.MaxRetries = -1
	options.DialerRetries = 1
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &Redis{
		client:  redis.NewClient(options),
		timeout: timeout,
		breaker: gobreaker.NewCircuitBreaker[[]int64](gobreaker.Settings{
			Timeout:     openFor,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failuresToOpen },
			OnStateChange: func(_ string, from, to gobreaker.State) {
				if to == gobreaker.StateOpen && from == gobreaker.StateClosed || to == gobreaker.StateClosed {
					changed(to == gobreaker.StateOpen)
				}
			},
		}),
	}, nil
}

// Take takes all demands or none.
func (r *Redis) Take(ctx context.Context, demands []Demand) ([]Level, bool, error) {
	levels, granted, err := r.run(ctx, "take", demands)
	return levels, granted, err
}

// Charge takes all demands.
func (r *Redis) Charge(ctx context.Context, demands []Demand) ([]Level, error) {
	levels, _, err := r.run(ctx, "charge", demands)
	return levels, err
}

// Close ends the connections.
func (r *Redis) Close() error { return r.client.Close() }

func (r *Redis) run(ctx context.Context, mode string, demands []Demand) ([]Level, bool, error) {
	keys, args := make([]string, len(demands)), []any{mode}
	for i, d := range demands {
		keys[i] = d.Key
		args = append(args, d.Policy.Quota, d.Policy.Window.Milliseconds(), d.Units)
	}
	reply, err := r.breaker.Execute(func() ([]int64, error) {
		// Not the stream's own context: a client that leaves must not count as a failure of Redis.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.timeout)
		defer cancel()
		reply, err := script.Run(ctx, r.client, keys, args...).Int64Slice()
		if err == nil && len(reply) != 1+len(demands) {
			err = fmt.Errorf("redis returned %d numbers for %d buckets", len(reply), len(demands))
		}
		return reply, err
	})
	if err != nil {
		return nil, false, err
	}
	levels := make([]Level, len(demands))
	for i, level := range reply[1:] {
		levels[i] = Level(level)
	}
	return levels, reply[0] == 1, nil
}
