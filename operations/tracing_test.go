package operations_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/traces"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

func TestARequestThatIsPublishedAgainContinuesItsTrace(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	tracer := traces.NewTracer(sdk.NewTracerProvider())
	first, click := tracer.Begin(t.Context(), traces.Server, "PUT", "", traces.Remote{})
	defer click.End()
	d.outbox.down = errDown
	_, err := d.Accept(first, ask(ann, "k", leaveFree))
	refuses(t, err, portal.Unavailable)
	d.outbox.down = nil
	d.pass(time.Hour)
	second, again := tracer.Begin(t.Context(), traces.Server, "PUT", "", traces.Remote{})
	defer again.End()
	if _, err := d.Accept(second, ask(ann, "k", leaveFree)); err != nil {
		t.Fatal(err)
	}
	_, repeated := d.outbox.empty()
	if len(repeated) != 1 || repeated[0].TraceParent != traces.Of(first).Parent || !strings.HasSuffix(repeated[0].TraceParent, "-01") {
		t.Errorf("published again are %+v", repeated)
	}
}
