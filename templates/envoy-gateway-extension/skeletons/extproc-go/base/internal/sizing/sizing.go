// Package sizing holds what an extension remembers to the memory that its
// container has. It is for tests.
package sizing

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"testing"
)

// What else a processor needs: docs/production.md, "Sizing".
const (
	ProcessAndStreams = 64 // MiB
	PerCollectedByte  = 4  // bytes for each of -max-collected-bytes
)

const mebibyte = 1 << 20

// Fits fails the test if all that fill remembers, with its garbage, needs more
// than k8s/deployment.yaml leaves for it. fill calls grown after every few
// thousand additions and returns what it has filled.
func Fits(t *testing.T, fill func(grown func()) (filled any)) {
	t.Helper()
	c := readContainer(t)
	debug.FreeOSMemory()
	before, most := inUse(), uint64(0)
	// As if everything else used its share of both limits at the same time.
	share := max(c.limit-c.others, 0) * c.goLimit / c.limit
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(int64(before) + share*mebibyte))
	remembered := int64(0)
	grown := func() {
		most = max(most, inUse())
		if remembered = int64(most-before) / mebibyte; remembered+c.others > c.limit {
			// At once: without room, the garbage collector would do nothing else.
			t.Fatalf("the settings let the extension remember more than %d MiB, and everything else needs %d; k8s/deployment.yaml limits the container to %d: "+
				"raise that and GOMEMLIMIT, or let the settings remember less", remembered-1, c.others, c.limit)
		}
	}
	filled := fill(grown)
	grown()
	runtime.KeepAlive(filled)
	t.Logf("%d MiB; the container has %d, of which %d are for everything else", remembered, c.limit, c.others)
}

// inUse is what the Go runtime has from the kernel: what GOMEMLIMIT is about.
func inUse() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}

// container is what k8s/deployment.yaml grants a replica, in MiB.
type container struct{ limit, goLimit, others int64 }

var (
	limitLine     = regexp.MustCompile(`limits:\n +memory: (\d+)Mi\n`)
	goLimitLine   = regexp.MustCompile(`name: GOMEMLIMIT\n +value: (\d+)MiB\n`)
	collectedLine = regexp.MustCompile(`-max-collected-bytes=(\d+)\n`)
)

func readContainer(t *testing.T) container {
	t.Helper()
	manifest, err := os.ReadFile(Repository("k8s/deployment.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	number := func(line *regexp.Regexp) int64 {
		match := line.FindSubmatch(manifest)
		if match == nil {
			return 0
		}
		n, _ := strconv.ParseInt(string(match[1]), 10, 64)
		return n
	}
	c := container{
		limit:   number(limitLine),
		goLimit: number(goLimitLine),
		others:  ProcessAndStreams + PerCollectedByte*number(collectedLine)/mebibyte,
	}
	if c.goLimit == 0 || c.limit <= c.goLimit {
		t.Fatalf("k8s/deployment.yaml has a memory limit of %d Mi and a GOMEMLIMIT of %d MiB (0: none was found); "+
			"give both, the limit above GOMEMLIMIT", c.limit, c.goLimit)
	}
	return c
}

// Repository is the path of a file of this repository.
func Repository(name string) string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "../..", name)
}
