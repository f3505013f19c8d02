package web_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// revealing is the site with the JSON API's answer to a reveal.
func revealing(status int, body string) site {
	return signedIn(keyring()).with("/api/v1/keys/{key}/reveal", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			status = http.StatusMethodNotAllowed
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	})
}

const (
	copyKey  = `[data-copy-key="/api/v1/keys/k-new/reveal"]`
	copyNote = `document.querySelector('` + copyKey + `').parentElement.querySelector("[data-copy-note]").textContent`
)

func copiedUnseen(t *testing.T, ctx context.Context) {
	opened(t, ctx, revealing(http.StatusOK, `{"value":"`+keyValue+`"}`), "/keys")
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`navigator.clipboard.write = async ([item]) => { window.copiedText = await (await item.getType("text/plain")).text(); }; undefined`),
		chromedp.Focus(chromedp.CSS(copyKey)), chromedp.KeyEvent(kb.Enter))
	eventually(t, ctx, `window.copiedText === "`+keyValue+`"`)
	eventually(t, ctx, `document.querySelector('`+copyKey+`').firstElementChild.textContent === "Copied"`)
	is(t, ctx, copyNote, "The key is in your clipboard. Your activity shows that you revealed it.")
	eventually(t, ctx, `document.getElementById("live").textContent.startsWith("The key is in your clipboard.")`)
	is(t, ctx, `document.documentElement.outerHTML.includes("`+keyValue+`") || location.href.includes("`+keyValue+`")`, "false")

	// A browser without that way of writing has an older one.
	opened(t, ctx, revealing(http.StatusOK, `{"value":"`+keyValue+`"}`), "/dashboard")
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`window.ClipboardItem = undefined; navigator.clipboard.writeText = async (text) => { window.copiedText = text; }; undefined`),
		chromedp.Click(chromedp.CSS(copyKey), chromedp.NodeVisible))
	eventually(t, ctx, `window.copiedText === "`+keyValue+`"`)
}

func notCopied(t *testing.T, ctx context.Context) {
	const denied = `navigator.clipboard.write = navigator.clipboard.writeText = async () => { throw new Error("denied"); };`
	for name, c := range map[string]struct {
		status       int
		body, script string
		want         string
	}{
		"the browser forbids it":   {http.StatusOK, `{"value":"` + keyValue + `"}`, denied, "The browser did not let the page copy. Reveal the key, and copy it by hand."},
		"there is no clipboard":    {http.StatusOK, `{"value":"` + keyValue + `"}`, `Object.defineProperty(navigator, "clipboard", { value: undefined });`, "This browser does not let the page copy. Reveal the key, and copy it by hand."},
		"the portal refuses":       {http.StatusTooManyRequests, `{"detail":"You have revealed keys ten times in a minute."}`, "", "You have revealed keys ten times in a minute."},
		"the portal answers oddly": {http.StatusBadGateway, `<html>`, "", "The key could not be read. Reload the page and try again."},
		"the portal is gone":       {http.StatusOK, `{}`, `window.fetch = async () => { throw new TypeError(); };`, "The portal did not answer. Try again."},
	} {
		opened(t, ctx, revealing(c.status, c.body), "/keys")
		do(t, ctx, chromedp.Evaluate[chromedp.Void](c.script+` undefined`), chromedp.Click(chromedp.CSS(copyKey), chromedp.NodeVisible))
		eventually(t, ctx, copyNote+` !== ""`)
		if got := evaluate[string](t, ctx, copyNote); got != c.want {
			t.Errorf("%s: the page says %q, want %q", name, got, c.want)
		}
		is(t, ctx, `document.querySelector('`+copyKey+`').hasAttribute("aria-busy")`, "false")
		is(t, ctx, `document.documentElement.outerHTML.includes("`+keyValue+`")`, "false")
	}
}

func countdownTicks(t *testing.T, ctx context.Context) {
	f := keyring()
	opened(t, ctx, signedIn(f), "/keys")
	ends := now.Add(50 * time.Minute).UnixMilli()
	for before, want := range map[time.Duration]string{
		50 * time.Minute: "in 50 minutes", 9*time.Minute + 59*time.Second: "in 9 minutes 59 seconds", time.Second: "in 1 second", -time.Hour: "which is now",
		26 * time.Hour: "in 1 day 2 hours", 90 * time.Minute: "in 1 hour 30 minutes", 100 * time.Hour: "in 4 days",
	} {
		evaluate[bool](t, ctx, fmt.Sprintf(`Date.now = () => %d, true`, ends-before.Milliseconds()))
		eventually(t, ctx, `document.querySelector("#key-k-old time[data-until]").textContent === "`+want+`"`)
	}
}

func choosesAndFocuses(t *testing.T, ctx context.Context) {
	opened(t, ctx, signedIn(keyring()), "/keys/k-new")
	do(t, ctx, chromedp.Focus(chromedp.CSS("#custom")), chromedp.KeyEvent("soon"))
	is(t, ctx, `document.querySelector("#overlap-custom").checked`, "true")
	evaluate[bool](t, ctx, `(window.before = true)`)
	do(t, ctx, chromedp.KeyEvent(kb.Enter))
	eventually(t, ctx, `document.readyState === "complete" && !window.before && document.activeElement.id === "custom"`)
	is(t, ctx, `document.activeElement.value + " " + document.querySelector("#overlap-custom").checked`, "soon true")
	is(t, ctx, `document.activeElement.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id).textContent).join(" ").includes("not a length of time")`, "true")
}

func printsUsage(t *testing.T, ctx context.Context) {
	usageStates()["usage"].open(t, ctx)
	evaluate[bool](t, ctx, `document.querySelectorAll("details").forEach((d) => { d.open = false; }), true`)
	const seen = `(selector) => [...document.querySelectorAll(selector)].some((e) => e.checkVisibility({ contentVisibilityAuto: true }) && e.getBoundingClientRect().height > 0)`
	is(t, ctx, `(`+seen+`)("details td")`, "false")
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}); err != nil {
		t.Fatal(err)
	}
	// The content of a closed details element appears with the next frame.
	eventually(t, ctx, `(`+seen+`)("details td")`)
	for selector, want := range map[string]string{
		"details td": "true", "svg.chart": "true", "svg.pace": "true", "#total": "true",
		"header nav": "false", ".top-search": "false", "form": "false", "footer": "false", "summary": "false", "[download]": "false", ".ranges a": "false",
	} {
		if got := evaluate[bool](t, ctx, `(`+seen+`)("`+selector+`")`); fmt.Sprint(got) != want {
			t.Errorf("%s is printed: %t", selector, got)
		}
	}
	printed, err := chromedp.Call(ctx, page.PrintToPDF, page.PrintToPDFParams{})
	if err != nil {
		t.Fatal(err)
	}
	if len(printed.Data) < 10_000 || !strings.HasPrefix(string(printed.Data), "%PDF") {
		t.Errorf("the PDF has %d bytes and begins with %.20q", len(printed.Data), printed.Data)
	}
}
