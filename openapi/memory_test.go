package openapi_test

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

// BenchmarkMemory measures what a document takes beside its own bytes: kept is what it takes once it
// is parsed, peak what it takes at most while it is parsed.
func BenchmarkMemory(b *testing.B) {
	documents := map[string][]byte{"large": large()}
	if normal, err := openapi.Normalize(large()); err == nil {
		documents["large, normalized"] = normal
	}
	for name, data := range documents {
		b.Run(name, func(b *testing.B) { benchmarkMemory(b, data) })
	}
}

func BenchmarkMemoryOfSpecs(b *testing.B) {
	for name, data := range specs(b) {
		normal, err := openapi.Normalize(data)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) { benchmarkMemory(b, normal) })
	}
}

func benchmarkMemory(b *testing.B, data []byte) {
	defer debug.SetGCPercent(debug.SetGCPercent(5)) // so that garbage hardly counts
	var kept, peak float64
	for b.Loop() {
		before := heap()
		var most atomic.Int64
		done := make(chan struct{})
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			for {
				select {
				case <-done:
					return
				case <-time.After(2 * time.Millisecond):
					var now runtime.MemStats
					runtime.ReadMemStats(&now)
					most.Store(max(most.Load(), int64(now.HeapAlloc)))
				}
			}
		}()
		doc, err := openapi.Load(data)
		if err != nil {
			b.Fatal(err)
		}
		close(done)
		<-watched
		kept, peak = float64(heap()-before), float64(most.Load()-before)
		runtime.KeepAlive(doc)
	}
	b.ReportMetric(kept/float64(len(data)), "kept-B/B")
	b.ReportMetric(peak/float64(len(data)), "peak-B/B")
	b.ReportMetric(float64(len(data))/(1<<20), "MB")
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return int64(now.HeapAlloc)
}
