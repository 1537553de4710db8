// Package environment is what the process gives the extension's logic: what the
// logic needs of the outside comes from here, so that tests can replace it.
package environment

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Environment is given to extension.Load.
type Environment struct {
	// Log writes JSON lines on stderr. Keep secrets and data of requests out.
	Log *slog.Logger
	// Metrics registers the logic's own metrics; /metrics shows them.
	Metrics prometheus.Registerer
	// Secrets is the folder of -secrets, one file per secret. It need not exist.
	Secrets fs.FS
	// Getenv reads an environment variable.
	Getenv func(string) string
	// Events is stdout: one JSON line per event, and nothing else.
	Events io.Writer
}

// Empty returns an environment without secrets and variables that keeps
// nothing: a start for tests.
func Empty() Environment {
	return Environment{
		Log:     slog.New(slog.DiscardHandler),
		Metrics: prometheus.NewRegistry(),
		Secrets: noFiles{},
		Getenv:  func(string) string { return "" },
		Events:  io.Discard,
	}
}

type noFiles struct{}

func (noFiles) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// OS returns the environment of this process.
func OS(secrets string, events io.Writer, log *slog.Logger, metrics prometheus.Registerer) Environment {
	return Environment{Log: log, Metrics: metrics, Secrets: os.DirFS(secrets), Getenv: os.Getenv, Events: events}
}

// Secret returns the content of a secret's file without one newline at its end,
// which editors and shells add. No error shows the content.
func (e Environment) Secret(name string) (string, error) {
	content, err := fs.ReadFile(e.Secrets, name)
	if err != nil {
		return "", fmt.Errorf("secret %q: %w; add it to the Kubernetes Secret that is mounted at -secrets", name, err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if text == "" {
		return "", fmt.Errorf("secret %q is empty; write its value into the file", name)
	}
	return text, nil
}

// Emit writes one event as a JSON line, in a single Write, so that lines of
// different exchanges do not mix.
func (e Environment) Emit(event any) error {
	line, err := json.Marshal(event)
	if err != nil {
		return err
	}
	_, err = e.Events.Write(append(line, '\n'))
	return err
}
