package exchange

import (
	"errors"
	"fmt"
	"testing"
)

// TestInputs uses a literal: tests of the logic write exchanges so.
func TestInputs(t *testing.T) {
	x := &Exchange{}
	if x.Metadata("ns") != nil || x.Attribute("source.address") != "" {
		t.Error("an empty exchange has inputs")
	}
	x.SetMetadata("ns", map[string]any{"a": "old", "b": true})
	x.SetMetadata("ns", map[string]any{"a": "new"})
	x.SetAttribute("source.address", "192.0.2.1:80")
	if m := x.Metadata("ns"); len(m) != 1 || m["a"] != "new" {
		t.Errorf("metadata: %v", m)
	}
	if got := x.Attribute("source.address"); got != "192.0.2.1:80" {
		t.Errorf("attribute: %q", got)
	}
}

func TestRejectionIsFoundInItsWrapping(t *testing.T) {
	err := fmt.Errorf("check: %w", &Rejection{Status: 403, Reason: "denied", Body: "for the client only"})
	var r *Rejection
	if !errors.As(err, &r) || r.Status != 403 {
		t.Errorf("got %v", err)
	}
	if err.Error() != "check: rejected with status 403 (denied)" {
		t.Errorf("text: %s", err)
	}
}
