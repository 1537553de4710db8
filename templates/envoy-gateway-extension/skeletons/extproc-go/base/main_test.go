package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrongFlagsAndSettings(t *testing.T) {
	// A taken port: whoever listens before the settings are checked says so.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	wrong := filepath.Join(t.TempDir(), "settings.json")
	if err := os.WriteFile(wrong, []byte(`{"unknown": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}

	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"unknown flag", []string{"-nope"}, 2, "-nope"},
		{"argument", []string{"nope"}, 2, `unexpected argument "nope"`},
		{"collected limit", []string{"-max-body-bytes", "2", "-max-collected-bytes", "1"}, 2, "-max-collected-bytes: 1 is not allowed"},
		{"body limit", []string{"-max-body-bytes", "0"}, 2, "-max-body-bytes: 0 is not allowed"},
		{"negative time", []string{"-grace", "-1s"}, 2, "must not be negative"},
		{"log level", []string{"-log-level", "loud"}, 2, "log-level"},
		{"half of TLS", []string{"-tls-cert", "x"}, 2, "give both or none"},
		{"no settings file", []string{"-config", "/does/not/exist", "-listen", taken.Addr().String()}, 1, "/does/not/exist"},
		{"wrong settings", []string{"-config", wrong, "-listen", taken.Addr().String()}, 1, "unknown: 1 is not allowed; remove this key"},
		{"help", []string{"-help"}, 0, "-max-body-bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(context.Background(), tt.args, &stdout, &stderr); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !strings.Contains(stderr.String(), tt.want) || strings.Contains(stderr.String(), "address already in use") {
				t.Errorf("stderr: %s", &stderr)
			}
			if stdout.Len() > 0 {
				t.Errorf("stdout, which is for events: %s", &stdout)
			}
		})
	}
}

type closer struct{ err error }

func (c closer) Close() error { return c.err }

func TestCloseExtension(t *testing.T) {
	failure := errors.New("disk full")
	for _, tt := range []struct {
		extension any
		want      error
	}{{struct{}{}, nil}, {closer{}, nil}, {closer{failure}, failure}} {
		if err := closeExtension(tt.extension); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%T: %v", tt.extension, err)
		}
	}
}
