package stacks_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
)

var errCut = errors.New("the connection is cut")

// cutter cuts the nth call to AWS. If late, the call takes effect, and only its answer is lost.
type cutter struct {
	next   aws.HTTPClient
	nth    int
	late   bool
	calls  int
	cutOff string
}

func (c *cutter) Do(r *http.Request) (*http.Response, error) {
	if c.calls++; c.calls != c.nth {
		return c.next.Do(r)
	}
	c.cutOff = r.Method + " " + r.URL.Path + " " + r.Header.Get("X-Amz-Target")
	if c.late {
		res, err := c.next.Do(r)
		if err == nil {
			_ = res.Body.Close()
		}
	}
	return nil, errCut
}

// cut is a deployer whose nth call is cut, with no retries.
func (a *account) cut(nth int, late bool) (stacks.Deployer, *cutter) {
	d := a.deployer()
	c := &cutter{next: d.AWS.HTTPClient, nth: nth, late: late}
	d.AWS.HTTPClient = c
	d.AWS.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	d.Prepare = nil // set-up has tests of its own
	return d, c
}

// stride is the distance between the calls that are cut. All take minutes; with GATEHOUSE_EVERY_CALL set, none is
// left out.
func stride() int {
	if os.Getenv("GATEHOUSE_EVERY_CALL") != "" {
		return 1
	}
	return 7
}

func TestADeploymentThatIsInterruptedAtAnyCallGoesOn(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprintf("with the answer lost is %v", late), func(t *testing.T) {
			t.Parallel()
			a := newAccount(t)
			for nth := 1; ; nth += stride() {
				name := fmt.Sprintf("acme%d", nth)
				settings := a.settings(name)
				settings.Host = name + ".example.com"
				d, c := a.cut(nth, late)
				result, err := d.Deploy(t.Context(), settings)
				if c.cutOff == "" {
					ok(t, err)
					if nth < 40 {
						t.Errorf("a deployment makes %d calls", nth)
					}
					return
				}
				// Asking IAM may fail: that is only a warning.
				if !errors.Is(err, errCut) && len(result.Warnings) == 0 {
					t.Fatalf("call %d (%s) was cut, and the deployment says %v", nth, c.cutOff, err)
				}
				d, _ = a.cut(0, false)
				result, err = d.Deploy(t.Context(), settings)
				if err != nil || result.Address != "https://"+settings.Host {
					t.Fatalf("after call %d (%s) was cut, the next run says %v, %+v", nth, c.cutOff, err, result)
				}
			}
		})
	}
}
