package emf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var at = time.Date(2026, 11, 27, 23, 0, 0, 0, time.UTC)

func newRecorder() (*Recorder, *bytes.Buffer) {
	var out bytes.Buffer
	return New("acme", "worker", &out, func() time.Time { return at }), &out
}

// series is a value that CloudWatch reads from a line.
type series struct {
	namespace, name, unit, dimension string
	value                            float64
}

// extract reads a line as CloudWatch Logs does, by the rules of its specification.
func extract(line []byte) (all []series, err error) {
	if len(line) > 1<<20 {
		return nil, errors.New("the line is larger than 1 MB")
	}
	var root map[string]json.RawMessage
	if err := json.Unmarshal(line, &root); err != nil {
		return nil, fmt.Errorf("the root: %w", err)
	}
	var meta struct {
		Timestamp         *int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct {
				Name, Unit        string
				StorageResolution *int
			}
		}
	}
	strict := json.NewDecoder(bytes.NewReader(root["_aws"]))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&meta); err != nil {
		return nil, fmt.Errorf("_aws: %w", err)
	}
	if meta.Timestamp == nil {
		return nil, errors.New("there is no Timestamp")
	}
	if age := at.Sub(time.UnixMilli(*meta.Timestamp)); age > 14*24*time.Hour || age < -2*time.Hour {
		return nil, fmt.Errorf("the Timestamp is %v old", age)
	}
	for _, d := range meta.CloudWatchMetrics {
		if n := len(d.Namespace); n < 1 || n > 255 || strings.Trim(d.Namespace, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/#:") != "" {
			return nil, fmt.Errorf("the namespace is %q", d.Namespace)
		}
		if len(d.Dimensions) == 0 || len(d.Metrics) == 0 || len(d.Metrics) > 100 {
			return nil, fmt.Errorf("%d dimension sets and %d metrics", len(d.Dimensions), len(d.Metrics))
		}
		for _, set := range d.Dimensions {
			if len(set) < 1 || len(set) > 30 {
				return nil, fmt.Errorf("a set has %d dimensions", len(set))
			}
			var dimension []string
			for _, name := range set {
				var value string
				if err := json.Unmarshal(root[name], &value); err != nil || value == "" || len(value) > 1024 {
					return nil, fmt.Errorf("the dimension %q has the value %s", name, root[name])
				}
				dimension = append(dimension, name+"="+value)
			}
			for _, m := range d.Metrics {
				var value float64
				if err := json.Unmarshal(root[m.Name], &value); err != nil {
					return nil, fmt.Errorf("the metric %q has the value %s", m.Name, root[m.Name])
				}
				if !slices.Contains([]string{"Seconds", "Milliseconds", "Count", "Percent", "Bytes", "None"}, m.Unit) {
					return nil, fmt.Errorf("%s has the unit %q", m.Name, m.Unit)
				}
				all = append(all, series{d.Namespace, m.Name, m.Unit, strings.Join(dimension, ","), value})
			}
		}
	}
	return all, nil
}

func TestALineIsReadAsCloudWatchReadsIt(t *testing.T) {
	t.Parallel()
	r, out := newRecorder()
	r.Record(KeysHeld, 9_876)
	r.Record(FactShownAfter, 0.25)
	r.Record(FactShownAfter, 1.5)
	r.Record(FactShownAfter, 0.75)
	r.Age(DueRowLate, at.Add(-90*time.Second))
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "\n") != 1 || !strings.HasSuffix(out.String(), "}\n") {
		t.Fatalf("it is not one line: %q", out)
	}
	got, err := extract(out.Bytes())
	if err != nil {
		t.Fatalf("%v, in %s", err, out)
	}
	want := []series{
		{"Gatehouse/acme", "DueRowLate", "Seconds", "Process=worker", 90},
		{"Gatehouse/acme", "FactShownAfter", "Seconds", "Process=worker", 1.5},
		{"Gatehouse/acme", "KeysHeld", "Count", "Process=worker", 9_876},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(series{})); diff != "" {
		t.Errorf("CloudWatch gets (-want +got):\n%s", diff)
	}
}

func TestEveryMetricHasAUnitAndThereAreAtMostFive(t *testing.T) {
	t.Parallel()
	r, out := newRecorder()
	for _, m := range All() {
		r.Record(m, 1)
	}
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	got, err := extract(out.Bytes())
	if err != nil || len(got) != len(All()) || len(got) > 5 {
		t.Errorf("%d metrics of %v: %v", len(got), All(), err)
	}
}

func TestNothingIsWrittenWithoutValues(t *testing.T) {
	t.Parallel()
	r, out := newRecorder()
	r.Record(KeysHeld, 1)
	for range 3 {
		if err := r.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if lines := strings.Count(out.String(), "\n"); lines != 1 {
		t.Errorf("%d lines are written for one value", lines)
	}
}

func TestZeroIsAValueAndLessThanZeroIsZero(t *testing.T) {
	t.Parallel()
	r, out := newRecorder()
	r.Record(Drifted, 0)
	r.Age(FactShownAfter, at.Add(time.Second)) // another clock is ahead
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	got, err := extract(out.Bytes())
	if err != nil || len(got) != 2 || got[0].value != 0 || got[1].value != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestWithoutARecorderNothingHappens(t *testing.T) {
	var r *Recorder
	if n := testing.AllocsPerRun(10, func() {
		r.Record(KeysHeld, 1)
		r.Age(DueRowLate, at)
		_ = r.Flush()
	}); n > 0 {
		t.Errorf("it allocates %v times", n)
	}
}

func TestALineThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	r := New("acme", "worker", broken{}, func() time.Time { return at })
	r.Record(KeysHeld, 1)
	if err := r.Flush(); err == nil {
		t.Error("there is no error")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }
