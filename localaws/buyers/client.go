// Package buyers plays buyers on the local AWS Marketplace, and AWS itself, over package
// marketplace's paths, for tests and the simulator.
package buyers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

// Client makes requests of a local AWS. A refused step's error is a Refusal.
type Client struct {
	endpoint string
	http     *http.Client
}

// New returns a client of an endpoint like http://localhost:4566.
func New(endpoint string) *Client {
	return &Client{strings.TrimSuffix(endpoint, "/"), &http.Client{Timeout: 30 * time.Second}}
}

// Refusal is the local AWS's answer to an impossible step.
type Refusal struct {
	Status  int
	Message string
}

func (r *Refusal) Error() string { return fmt.Sprintf("%s (status %d)", r.Message, r.Status) }

// PutProduct creates or replaces a product.
func (c *Client) PutProduct(ctx context.Context, p marketplace.Product) (marketplace.Product, error) {
	return call[marketplace.Product](ctx, c, http.MethodPost, "/products", p)
}

// Products lists the products.
func (c *Client) Products(ctx context.Context) ([]marketplace.Product, error) {
	return call[[]marketplace.Product](ctx, c, http.MethodGet, "/products", nil)
}

// Subscribe makes an agreement with a registration token.
func (c *Client) Subscribe(ctx context.Context, o marketplace.Order) (marketplace.Purchase, error) {
	return call[marketplace.Purchase](ctx, c, http.MethodPost, "/purchases", o)
}

// Purchases lists the purchases.
func (c *Client) Purchases(ctx context.Context) ([]marketplace.Purchase, error) {
	return call[[]marketplace.Purchase](ctx, c, http.MethodGet, "/purchases", nil)
}

// Purchase returns the agreement's purchase.
func (c *Client) Purchase(ctx context.Context, agreement string) (marketplace.Purchase, error) {
	return call[marketplace.Purchase](ctx, c, http.MethodGet, "/purchases/"+url.PathEscape(agreement), nil)
}

// IssueToken returns the purchase with another registration token.
func (c *Client) IssueToken(ctx context.Context, agreement string) (marketplace.Purchase, error) {
	return c.step(ctx, agreement, "token", nil)
}

// Start makes a future-dated agreement start now.
func (c *Client) Start(ctx context.Context, agreement string) (marketplace.Purchase, error) {
	return c.step(ctx, agreement, "start", nil)
}

// Pay makes the payment succeed.
func (c *Client) Pay(ctx context.Context, agreement string) (marketplace.Purchase, error) {
	return c.step(ctx, agreement, "pay", nil)
}

// FailPayment makes the payment fail.
func (c *Client) FailPayment(ctx context.Context, agreement string) (marketplace.Purchase, error) {
	return c.step(ctx, agreement, "fail", nil)
}

// Amend changes an agreement.
func (c *Client) Amend(ctx context.Context, agreement string, a marketplace.Amendment) (marketplace.Purchase, error) {
	return c.step(ctx, agreement, "amend", a)
}

// Cancel cancels an agreement as the buyer.
func (c *Client) Cancel(ctx context.Context, agreement string) (marketplace.Purchase, error) {
	return c.step(ctx, agreement, "cancel", nil)
}

// End ends an agreement.
func (c *Client) End(ctx context.Context, agreement string, e marketplace.Ending) (marketplace.Purchase, error) {
	return c.step(ctx, agreement, "end", e)
}

// Deprovision ends the licence of an ended agreement.
func (c *Client) Deprovision(ctx context.Context, agreement string) (marketplace.Purchase, error) {
	return c.step(ctx, agreement, "deprovision", nil)
}

// Renew replaces an active agreement, and returns the new one.
func (c *Client) Renew(ctx context.Context, agreement string, r marketplace.Renewal) (marketplace.Purchase, error) {
	return c.step(ctx, agreement, "renew", r)
}

// Resubscribe makes a cancelled buyer return at once, with a new purchase.
func (c *Client) Resubscribe(ctx context.Context, agreement string) (marketplace.Purchase, error) {
	return c.step(ctx, agreement, "resubscribe", nil)
}

// Rename makes AWS write the licence's ARN in another way.
func (c *Client) Rename(ctx context.Context, agreement string) (marketplace.Purchase, error) {
	return c.step(ctx, agreement, "rename", nil)
}

// ArrivalURL is the page from which a person registers as the buyer. Its host differs from
// the portal's, so that the form comes from another site, as on AWS.
func (c *Client) ArrivalURL(agreement string) string {
	base := strings.Replace(c.endpoint, "//localhost:", "//127.0.0.1:", 1)
	return base + marketplace.Path + "/purchases/" + url.PathEscape(agreement) + "/arrive"
}

// Notices lists everything that AWS sent, or lost.
func (c *Client) Notices(ctx context.Context) ([]marketplace.Notice, error) {
	return call[[]marketplace.Notice](ctx, c, http.MethodGet, "/notices", nil)
}

// Resend sends a notice again.
func (c *Client) Resend(ctx context.Context, id int) (marketplace.Notice, error) {
	return call[marketplace.Notice](ctx, c, http.MethodPost, fmt.Sprintf("/notices/%d/send", id), struct{}{})
}

// LoseNext makes AWS lose the next n notices.
func (c *Client) LoseNext(ctx context.Context, n int) error {
	settings, err := c.Settings(ctx)
	if err != nil {
		return err
	}
	settings.Lose = n
	_, err = c.SetSettings(ctx, settings)
	return err
}

// Settings returns the settings.
func (c *Client) Settings(ctx context.Context) (marketplace.Settings, error) {
	return call[marketplace.Settings](ctx, c, http.MethodGet, "/settings", nil)
}

// SetSettings replaces the settings.
func (c *Client) SetSettings(ctx context.Context, s marketplace.Settings) (marketplace.Settings, error) {
	return call[marketplace.Settings](ctx, c, http.MethodPut, "/settings", s)
}

// Billed lists what AWS would charge for.
func (c *Client) Billed(ctx context.Context) ([]marketplace.Bill, error) {
	return call[[]marketplace.Bill](ctx, c, http.MethodGet, "/billed", nil)
}

func (c *Client) step(ctx context.Context, agreement, step string, body any) (marketplace.Purchase, error) {
	if body == nil {
		body = struct{}{}
	}
	return call[marketplace.Purchase](ctx, c, http.MethodPost, "/purchases/"+url.PathEscape(agreement)+"/"+step, body)
}

func call[Out any](ctx context.Context, c *Client, method, path string, body any) (out Out, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("asking the local AWS Marketplace, %s %s: %w", method, path, err)
		}
	}()
	var encoded []byte
	if body != nil {
		if encoded, err = json.Marshal(body); err != nil {
			return out, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, c.endpoint+marketplace.Path+path, bytes.NewReader(encoded))
	if err != nil {
		return out, err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(r)
	if err != nil {
		return out, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return out, err
	}
	if res.StatusCode != http.StatusOK {
		refusal := &Refusal{Status: res.StatusCode, Message: strings.TrimSpace(string(answer))}
		var told struct{ Message string }
		if json.Unmarshal(answer, &told) == nil && told.Message != "" {
			refusal.Message = told.Message
		}
		return out, refusal
	}
	return out, json.Unmarshal(answer, &out)
}
