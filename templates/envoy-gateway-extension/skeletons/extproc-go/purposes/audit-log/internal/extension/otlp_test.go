package extension

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/proto"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

// receiver is a collector that keeps what it gets, or refuses it.
type receiver struct {
	status  int
	records []*logspb.LogRecord
	paths   []string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.paths = append(r.paths, request.URL.Path)
	if r.status != 0 {
		w.WriteHeader(r.status)
		return
	}
	body, _ := io.ReadAll(request.Body)
	var message collogspb.ExportLogsServiceRequest
	if err := proto.Unmarshal(body, &message); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, resource := range message.ResourceLogs {
		for _, scope := range resource.ScopeLogs {
			r.records = append(r.records, scope.LogRecords...)
		}
	}
}

func loadWith(t *testing.T, r *receiver) *Extension {
	t.Helper()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	env := environment.Empty()
	env.Getenv = func(name string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL}[name]
	}
	e, err := Load(strings.NewReader(settingsText(t, `{"output":"otlp","requestHeaders":["x-list","authorization"]}`)), env)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestRecords(t *testing.T) {
	r := &receiver{}
	e := loadWith(t, r)
	e.OnEnd(answered(), exchange.End{})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	counted(t, e.queue, "written 1, full 0, failed 0")
	if len(r.records) != 1 || r.paths[0] != "/v1/logs" {
		t.Fatalf("got %v at %v", r.records, r.paths)
	}
	record := r.records[0]
	if record.EventName != "request" || record.SeverityNumber != logspb.SeverityNumber_SEVERITY_NUMBER_INFO {
		t.Errorf("got %v", record)
	}
	if at := time.Unix(0, int64(record.TimeUnixNano)).UTC().Format(time.RFC3339Nano); at != "2026-10-01T12:00:00.123Z" {
		t.Errorf("time: %s", at)
	}
	got := map[string]*commonpb.AnyValue{}
	for _, attribute := range record.Attributes {
		got[attribute.Key] = attribute.Value
	}
	for name, want := range map[string]string{
		"http.request.method": "POST", "url.path": "/a/b", "url.query": "page=[redacted]&token=[redacted]",
		"audit.host": "shop.example.com", "audit.outcome": "answered", "audit.request_id": "id-1",
		"client.address": "2001:db8::1", "user_agent.original": `a "b"`,
	} {
		if got[name].GetStringValue() != want {
			t.Errorf("%s: got %v, want %q", name, got[name], want)
		}
	}
	for name, want := range map[string]int64{"http.response.status_code": 200, "http.request.body.size": 12, "http.response.body.size": 34} {
		if got[name].GetIntValue() != want {
			t.Errorf("%s: got %v, want %d", name, got[name], want)
		}
	}
	for name, want := range map[string]string{"http.request.header.x-list": "1 2", "http.request.header.authorization": "[redacted]"} {
		var values []string
		for _, value := range got[name].GetArrayValue().GetValues() {
			values = append(values, value.GetStringValue())
		}
		if strings.Join(values, " ") != want {
			t.Errorf("%s: got %v, want %q", name, got[name], want)
		}
	}
	if len(got) != 13 {
		t.Errorf("%d attributes: %v", len(got), got)
	}
}

func TestWhatACollectorRefusesIsCounted(t *testing.T) {
	r := &receiver{status: http.StatusBadRequest} // which is not retried
	e := loadWith(t, r)
	e.OnEnd(answered(), exchange.End{})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	counted(t, e.queue, "written 0, full 0, failed 1")
}

func TestTheCollectorHasAURL(t *testing.T) {
	for _, text := range []string{"", "collector:4318", "grpc://collector:4317", "http://", "http://a b/"} {
		if _, err := newCollector(func(string) string { return text }); err == nil || !strings.Contains(err.Error(), "set it, for example to http://") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
