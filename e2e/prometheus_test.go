// This file tests that Prometheus understands what the processes measure, and watches them by the rules.

package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/outputtest"
)

// watcher is a Prometheus that runs deploy/prometheus.
type watcher struct {
	t   *testing.T
	url string
}

// watch starts Prometheus with the example's configuration, and with these addresses of operators' ports.
func watch(t *testing.T, portal, worker string) watcher {
	t.Helper()
	program := needed(t, "prometheus", "--version")
	dir := t.TempDir()
	for _, file := range []string{"prometheus.yaml", "alerts.yaml"} {
		text, err := os.ReadFile(filepath.Join("..", "deploy", "prometheus", file))
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.NewReplacer(
			"127.0.0.1:8081", strings.TrimPrefix(portal, "http://"), "127.0.0.1:8082", strings.TrimPrefix(worker, "http://"), "_interval: 30s", "_interval: 1s",
		).Replace(string(text)))
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var logs outputtest.Buffer
	cmd := exec.Command(program, "--config.file", filepath.Join(dir, "prometheus.yaml"), "--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", address)
	cmd.Stderr = &logs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the log of Prometheus:\n%s", logs.Tail(20))
		}
	})
	w := watcher{t, "http://" + address}
	eventually(t, "Prometheus is ready", func() bool {
		answer, err := http.Get(w.url + "/-/ready")
		if err != nil {
			return false // it does not listen yet
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return w
}

type sample struct {
	Metric map[string]string
	Value  [2]any
}

// query returns what an expression yields now.
func (w watcher) query(expr string) []sample {
	w.t.Helper()
	got := person{t: w.t, base: w.url}.do(http.MethodGet, "/api/v1/query?query="+url.QueryEscape(expr), "")
	if got.status != http.StatusOK {
		w.t.Errorf("Prometheus answers %d to %s: %s", got.status, expr, got.body)
		return nil
	}
	return decode[struct{ Data struct{ Result []sample } }](got).Data.Result
}

// alerts returns the state of each alert, and what is wrong with its rule.
func (w watcher) alerts() map[string]string {
	w.t.Helper()
	got := decode[struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, State, LastError string }
			}
		}
	}](person{t: w.t, base: w.url}.do(http.MethodGet, "/api/v1/rules", "").want(http.StatusOK))
	states := map[string]string{}
	for _, group := range got.Data.Groups {
		for _, r := range group.Rules {
			states[r.Name] = r.State
			if r.Health != "ok" {
				states[r.Name] = fmt.Sprint(r.Health, " ", r.LastError)
			}
		}
	}
	return states
}

func TestPrometheusWatchesThePortalAndTheWorker(t *testing.T) {
	t.Parallel()
	needed(t, "prometheus", "--version")
	f := startFleet(t, 1, 1)
	f.awaitMetric(t, "gatehouse_api_keys ")
	w := watch(t, f.apis[0].operators, f.workers[0].operators)
	eventually(t, "every rule is evaluated, and no alert is raised", func() bool {
		states := w.alerts()
		for _, state := range states {
			if state != "inactive" {
				return false
			}
		}
		return len(states) >= 20 && len(w.query("up == 1")) == 2
	})
	for _, s := range w.query(`{__name__=~"gatehouse_.+"}`) {
		for label := range s.Metric {
			if strings.HasPrefix(label, "exported_") {
				t.Errorf("%s has a label that Prometheus adds itself: %s", s.Metric["__name__"], label)
			}
		}
	}
	if jobs := w.query("time() - max by (job_name) (gatehouse_job_last_success_timestamp_seconds)"); len(jobs) < 8 {
		t.Errorf("Prometheus knows %d jobs", len(jobs))
	}
	for _, expr := range boardExpressions(t) {
		w.query(strings.ReplaceAll(expr, "$__rate_interval", "1m"))
	}

	f.workers[0].terminate()
	f.workers[0].waitForExit()
	eventually(t, "Prometheus sees that the worker is gone", func() bool {
		states := w.alerts()
		return states["GatehouseTargetDown"] == "pending" && states["GatehouseWorkersSilent"] == "pending"
	})
}

func boardExpressions(t *testing.T) (exprs []string) {
	t.Helper()
	text, err := os.ReadFile("../deploy/grafana/gatehouse.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			exprs = append(exprs, target.Expr)
		}
	}
	return exprs
}
