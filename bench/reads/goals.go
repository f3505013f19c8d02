package main

import (
	"fmt"
	"io"
	"time"
)

type goal struct {
	what, want, got string
	met             bool
}

// goals compares measurements with the goals for 2 cores. The keys of all are reads with their
// number of connections.
func goals(all map[string]measured) []goal {
	small, large := all["catalog, 31 KB 16"], all["catalog, 518 KB 16"]
	alone := ratio(all["catalog, 518 KB 1"].cpu, all["catalog, 31 KB 1"].cpu)
	crowded := ratio(large.cpu, small.cpu)
	list := []goal{
		{"catalog of 31 KB, requests a second", "at least 9,000", fmt.Sprintf("%.0f", small.perSecond), small.perSecond >= 9000},
		{"catalog of 31 KB, 99th percentile", "under 15 ms", fmt.Sprintf("%.1f ms", milliseconds(small.p99)), small.p99 < 15*time.Millisecond},
		{"CPU of 518 KB to that of 31 KB, 1 connection", "at most 1.5", fmt.Sprintf("%.2f", alone), alone <= 1.5},
		{"CPU of 518 KB to that of 31 KB, 16 connections", "at most 1.5", fmt.Sprintf("%.2f", crowded), crowded <= 1.5},
	}
	for _, page := range []string{"product page", "documentation page", "operation page"} {
		m := all[page+" 16"]
		// The portal looks for a newer catalog once a second, in two requests.
		list = append(list, goal{
			page + ", DynamoDB requests a second", "about 2", fmt.Sprintf("%.1f", m.dynamoDB*m.perSecond), m.dynamoDB*m.perSecond < 3,
		})
	}
	few := all[dashboardOf(accountCounts[0])+" 1"]
	for _, n := range accountCounts[1:] {
		m := all[dashboardOf(n)+" 1"]
		requests, cost := m.dynamoDB/few.dynamoDB, ratio(m.cpu, few.cpu)
		list = append(list,
			goal{fmt.Sprintf("DynamoDB requests of %s to those of %d", dashboardOf(n), accountCounts[0]), "at most 1.1", fmt.Sprintf("%.2f", requests), requests <= 1.1},
			goal{fmt.Sprintf("CPU of %s to that of %d", dashboardOf(n), accountCounts[0]), "at most 1.1", fmt.Sprintf("%.2f", cost), cost <= 1.1})
	}
	return list
}

func printGoals(w io.Writer, list []goal) error {
	_, err := fmt.Fprintf(w, "\n%-66s%-16s%10s\n", "goal", "wanted", "measured")
	for _, g := range list {
		missed := ""
		if !g.met {
			missed = "  missed"
		}
		if err == nil {
			_, err = fmt.Fprintf(w, "%-66s%-16s%10s%s\n", g.what, g.want, g.got, missed)
		}
	}
	return err
}
