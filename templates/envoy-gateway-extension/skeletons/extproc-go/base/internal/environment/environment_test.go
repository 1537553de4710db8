package environment

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestSecret(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{
		"plain": "value", "newline": "value\n", "windows": "value\r\n", "two": "a\n\n", "inner": " a\nb ", "empty": "\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// As Kubernetes mounts them.
	if err := os.Symlink("plain", filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	env := OS(folder, nil, slog.Default(), prometheus.NewRegistry())
	for name, want := range map[string]string{
		"plain": "value", "newline": "value", "windows": "value", "two": "a\n", "inner": " a\nb ", "link": "value",
	} {
		if got, err := env.Secret(name); got != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := env.Secret("empty"); err == nil || !strings.Contains(err.Error(), `secret "empty" is empty`) {
		t.Errorf("empty: %v", err)
	}
	if _, err := env.Secret("absent"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "-secrets") {
		t.Errorf("absent: %v", err)
	}
	if _, err := env.Secret("../" + filepath.Base(folder) + "/plain"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("outside of the folder: %v", err)
	}
}

func TestAFolderThatDoesNotExistHasNoSecrets(t *testing.T) {
	env := OS(filepath.Join(t.TempDir(), "absent"), nil, slog.Default(), prometheus.NewRegistry())
	if _, err := env.Secret("any"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// writes counts what arrives.
type writes []string

func (w *writes) Write(b []byte) (int, error) {
	*w = append(*w, string(b))
	return len(b), nil
}

func TestEmitWritesALineAtOnce(t *testing.T) {
	var w writes
	env := Empty()
	env.Events = &w
	if err := env.Emit(map[string]any{"text": "a\nb", "n": 1}); err != nil {
		t.Fatal(err)
	}
	if len(w) != 1 || w[0] != `{"n":1,"text":"a\nb"}`+"\n" {
		t.Errorf("got %q", w)
	}
	if err := env.Emit(func() {}); err == nil || len(w) != 1 {
		t.Errorf("wrote what is not JSON: %q, %v", w, err)
	}
}

func TestEmpty(t *testing.T) {
	env := Empty()
	env.Log.Error("nobody reads this")
	if _, err := env.Secret("any"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if env.Getenv("PATH") != "" || env.Emit(1) != nil {
		t.Error("is not empty")
	}
	if err := env.Metrics.Register(prometheus.NewCounter(prometheus.CounterOpts{Name: "x"})); err != nil {
		t.Error(err)
	}
}

func TestOSReadsVariables(t *testing.T) {
	t.Setenv("EXT_PROC_TEST", "v")
	var events bytes.Buffer
	env := OS(t.TempDir(), &events, slog.Default(), prometheus.NewRegistry())
	if env.Getenv("EXT_PROC_TEST") != "v" {
		t.Error("no variable")
	}
	if env.Emit("x"); events.String() != "\"x\"\n" {
		t.Errorf("events: %q", &events)
	}
}
