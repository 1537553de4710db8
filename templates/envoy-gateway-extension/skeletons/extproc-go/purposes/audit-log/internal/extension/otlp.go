package extension

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
)

const endpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT"

// attributeNames are the names that members of an event have in a log record:
// those of OpenTelemetry's semantic conventions for HTTP, where they have one.
var attributeNames = map[string]string{
	"method":        "http.request.method",
	"path":          "url.path",
	"query":         "url.query",
	"host":          "audit.host",
	"status":        "http.response.status_code",
	"durationMs":    "audit.duration_ms",
	"requestBytes":  "http.request.body.size",
	"responseBytes": "http.response.body.size",
	"requestId":     "audit.request_id",
	"clientAddress": "client.address",
	"userAgent":     "user_agent.original",
	"outcome":       "audit.outcome",
	// Each of their members follows after a dot.
	"requestHeaders":  "http.request.header",
	"responseHeaders": "http.response.header",
	"claims":          "audit.claim",
}

// collector sends events to an OpenTelemetry collector, by OTLP over HTTP.
type collector struct {
	exporter sdklog.Exporter
	logger   log.Logger
	made     *gatherer
}

// gatherer keeps the records that the logger makes, for the next export. The
// SDK's own batches would lose events without counting them.
type gatherer struct{ records []sdklog.Record }

func (g *gatherer) OnEmit(_ context.Context, r *sdklog.Record) error {
	g.records = append(g.records, r.Clone())
	return nil
}
func (*gatherer) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (*gatherer) Shutdown(context.Context) error                         { return nil }
func (*gatherer) ForceFlush(context.Context) error                       { return nil }

// newCollector reads where the collector is. The exporter reads the other
// variables of OpenTelemetry itself, such as OTEL_EXPORTER_OTLP_HEADERS.
func newCollector(getenv func(string) string) (*collector, error) {
	endpoint, err := url.Parse(getenv(endpointVariable))
	if err != nil || endpoint.Host == "" || endpoint.Scheme != "http" && endpoint.Scheme != "https" {
		return nil, fmt.Errorf("%s is not the URL of a collector; set it, for example to http://otel-collector.observability:4318", endpointVariable)
	}
	exporter, err := otlploghttp.New(context.Background(),
		otlploghttp.WithEndpointURL(endpoint.JoinPath("v1/logs").String()),
		otlploghttp.WithTimeout(10*time.Second),
		otlploghttp.WithRetry(otlploghttp.RetryConfig{
			Enabled: true, InitialInterval: time.Second, MaxInterval: 5 * time.Second, MaxElapsedTime: 30 * time.Second,
		}))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", endpointVariable, err)
	}
	made := &gatherer{}
	provider := sdklog.NewLoggerProvider(sdklog.WithResource(resource.Default()), sdklog.WithProcessor(made))
	return &collector{exporter: exporter, logger: provider.Logger("audit-log"), made: made}, nil
}

func (c *collector) write(ctx context.Context, events [][]byte) error {
	c.made.records = c.made.records[:0]
	for _, event := range events {
		record, err := recordOf(event)
		if err != nil {
			return err
		}
		c.logger.Emit(ctx, record)
	}
	return c.exporter.Export(ctx, c.made.records)
}

// recordOf makes a log record of an event's line.
func recordOf(line []byte) (log.Record, error) {
	var record log.Record
	var event map[string]any
	if err := json.Unmarshal(line, &event); err != nil {
		return record, fmt.Errorf("an event is not JSON: %w", err)
	}
	name, _ := event["event"].(string)
	record.SetEventName(name)
	record.SetSeverity(log.SeverityInfo)
	if text, ok := event["time"].(string); ok {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			record.SetTimestamp(at)
		}
	}
	for member, value := range event {
		key, ok := attributeNames[member]
		if !ok {
			continue
		}
		switch v := value.(type) {
		case string:
			record.AddAttributes(attribute.String(key, v))
		case float64: // whole numbers
			record.AddAttributes(attribute.Int64(key, int64(v)))
		case map[string]any:
			for name, list := range v {
				record.AddAttributes(attribute.StringSlice(key+"."+name, textsOf(list)))
			}
		}
	}
	return record, nil
}

func textsOf(list any) []string {
	var texts []string
	items, _ := list.([]any)
	for _, item := range items {
		text, _ := item.(string)
		texts = append(texts, text)
	}
	return texts
}
