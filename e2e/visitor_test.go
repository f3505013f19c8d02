// A browser without JavaScript that keeps cookies and records its requests and answers.

package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

type visitor struct {
	t      *testing.T
	base   string
	client *http.Client
	record *record
}

func (s *site) visitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	record := &record{}
	return &visitor{t: t, base: s.PortalURL, client: &http.Client{Jar: jar, Transport: record}, record: record}
}

type page struct {
	*goquery.Document
	by     *visitor
	at     *url.URL
	status int
	header http.Header
	body   string
}

// open goes to an address, relative to the portal.
func (v *visitor) open(ref string) *page {
	v.t.Helper()
	base, err := url.Parse(v.base)
	if err != nil {
		v.t.Fatal(err)
	}
	to, err := base.Parse(ref)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.visit(http.MethodGet, to, nil)
}

// visit sends a request as a page of the same site would. Further headers come in pairs.
func (v *visitor) visit(method string, to *url.URL, form url.Values, headers ...string) *page {
	v.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(v.t.Context(), method, to.String(), body)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", to.Scheme+"://"+to.Host)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if next, ok := strings.CutPrefix(resp.Header.Get("Refresh"), "0; url="); ok {
		to, err := resp.Request.URL.Parse(next)
		if err != nil {
			v.t.Fatal(err)
		}
		return v.visit(http.MethodGet, to, nil)
	}
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(got))
	if err != nil {
		v.t.Fatal(err)
	}
	return &page{doc, v, resp.Request.URL, resp.StatusCode, resp.Header, string(got)}
}

// one returns the first element that matches; there must be one.
func (p *page) one(selector string) *goquery.Selection {
	p.by.t.Helper()
	found := p.Find(selector).First()
	if found.Length() == 0 {
		p.by.t.Fatalf("%s (%d, %q) has no %s", p.at.Path, p.status, p.heading(), selector)
	}
	return found
}

func (p *page) text(selector string) string {
	p.by.t.Helper()
	return strings.TrimSpace(p.one(selector).Text())
}

func (p *page) heading() string { return strings.TrimSpace(p.Find("h1").First().Text()) }

func (p *page) has(selector string) bool { return p.Find(selector).Length() > 0 }

func (p *page) wants(status int, heading string) *page {
	p.by.t.Helper()
	if p.status != status || p.heading() != heading {
		p.by.t.Fatalf("%s answers %d %q, want %d %q", p.at.Path, p.status, p.heading(), status, heading)
	}
	return p
}

func (p *page) follow(selector string) *page {
	p.by.t.Helper()
	to, err := p.at.Parse(p.one(selector).AttrOr("href", ""))
	if err != nil {
		p.by.t.Fatal(err)
	}
	return p.by.visit(http.MethodGet, to, nil)
}

// submit sends a form with its own values, replaced by the given pairs.
func (p *page) submit(selector string, fields ...string) *page {
	p.by.t.Helper()
	to, values := p.form(selector)
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return p.by.visit(http.MethodPost, to, values)
}

func (p *page) form(selector string) (to *url.URL, values url.Values) {
	p.by.t.Helper()
	form, values := p.one(selector), url.Values{}
	form.Find("input[name]").Each(func(_ int, input *goquery.Selection) {
		values.Set(input.AttrOr("name", ""), input.AttrOr("value", ""))
	})
	to, err := p.at.Parse(form.AttrOr("action", ""))
	if err != nil {
		p.by.t.Fatal(err)
	}
	return to, values
}

// reloadUntilDone reloads the page until nothing on it is under way.
func (p *page) reloadUntilDone() *page {
	p.by.t.Helper()
	eventually(p.by.t, "nothing is under way on "+p.at.Path, func() bool {
		if !p.has("[data-poll]") {
			return true
		}
		p = p.by.visit(http.MethodGet, p.at, nil)
		return false
	})
	return p
}

// exchange is a request and its answer as text, headers included.
type exchange struct {
	url             string
	request, answer string
	cookies         []*http.Cookie
}

type record struct {
	// via sends the requests; nil is http.DefaultTransport.
	via  http.RoundTripper
	mu   sync.Mutex
	kept []exchange
}

func (r *record) RoundTrip(req *http.Request) (*http.Response, error) {
	var asked, answered strings.Builder
	_ = req.Header.Write(&asked)
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		asked.Write(body)
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	via := r.via
	if via == nil {
		via = http.DefaultTransport
	}
	resp, err := via.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	_ = resp.Header.Write(&answered)
	answered.Write(body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = append(r.kept, exchange{req.URL.String(), asked.String(), answered.String(), resp.Cookies()})
	return resp, nil
}

func (r *record) all() []exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]exchange(nil), r.kept...)
}
