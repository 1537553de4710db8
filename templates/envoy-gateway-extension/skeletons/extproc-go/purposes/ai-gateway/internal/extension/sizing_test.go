package extension

import (
	"fmt"
	"os"
	"testing"
	"time"

	"ext-proc-server/internal/settings"
	"ext-proc-server/internal/sizing"
)

// TestAllTenantsFitTheContainer fills as many budgets as the settings allow,
// and some more, with the longest names.
func TestAllTenantsFitTheContainer(t *testing.T) {
	file, err := os.Open(sizing.Repository("k8s/settings.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	root, err := settings.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	budget := root.Member("budget")
	tokens, most := budget.Member("tokens").Count(), budget.Member("maxTenants").Count()
	if err := root.Err(); err != nil {
		t.Fatal(err)
	}
	if tokens == 0 {
		t.Skip("without a limit nothing is remembered")
	}
	sizing.Fits(t, func(grown func()) any {
		b := newBudgets(int64(tokens), 3600, most, 1000, 500)
		for i := range most + most/10 {
			r, _ := b.hold(fmt.Sprintf("%0*d", maxTenantBytes, i), time.Now())
			b.settle(r, 500, time.Now())
			if i%2000 == 0 {
				grown()
			}
		}
		return b
	})
}
