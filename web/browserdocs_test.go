package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/gatehouse-portal/gatehouse/tryit"
)

// is checks the value of an expression.
func is(t *testing.T, ctx context.Context, expression, want string) {
	t.Helper()
	if got := evaluate[string](t, ctx, "String("+expression+")"); got != want {
		t.Errorf("%s is %q, want %q", expression, got, want)
	}
}

func press(t *testing.T, ctx context.Context, keys ...string) {
	t.Helper()
	for _, key := range keys {
		do(t, ctx, chromedp.KeyEvent(key))
	}
}

// slash presses the key as a keyboard does: what it types is the page's to prevent.
func slash(t *testing.T, ctx context.Context) {
	t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		event := input.DispatchKeyEventParams{Type: kind, Key: "/", Code: "Slash", WindowsVirtualKeyCode: 191}
		if kind == input.DispatchKeyEventTypeKeyDown {
			event.Text = "/"
		}
		if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, event); err != nil {
			t.Fatal(err)
		}
	}
}

const inFocus = `document.activeElement`

func suggestsWhileTyping(t *testing.T, ctx context.Context) {
	opened(t, ctx, indexed(visit(harbours())), "/apis/harbours")
	slash(t, ctx)
	is(t, ctx, inFocus+`.id`, "top-q")
	press(t, ctx, "t", "i", "d", "e")
	eventually(t, ctx, `document.querySelectorAll(".suggestions li a").length > 0`)
	is(t, ctx, `document.querySelector(".suggestions li a").textContent.includes("Tides of a harbour")`, "true")
	eventually(t, ctx, `/^\d+ results?$/.test(document.getElementById("live").textContent)`)
	press(t, ctx, kb.ArrowDown)
	is(t, ctx, inFocus+` === document.querySelector(".suggestions li a")`, "true")
	press(t, ctx, kb.ArrowUp)
	is(t, ctx, inFocus+`.id`, "top-q")
	press(t, ctx, kb.ArrowDown, kb.Escape)
	is(t, ctx, inFocus+`.id + " " + document.querySelectorAll(".suggestions").length`, "top-q 0")
	slash(t, ctx)
	is(t, ctx, inFocus+`.value`, "tide/")
	do(t, ctx, chromedp.Evaluate[chromedp.Void](inFocus+`.value = ""; undefined`))
	press(t, ctx, "t", "i", "d", "e")
	eventually(t, ctx, `document.querySelectorAll(".suggestions li a").length > 0`)
	press(t, ctx, kb.ArrowDown, kb.Enter)
	eventually(t, ctx, `document.readyState === "complete" && location.pathname.startsWith("/apis/harbours/docs/")`)
	slash(t, ctx)
	press(t, ctx, "x", "q", "z", "v", "w")
	eventually(t, ctx, `document.querySelector(".suggestions")?.textContent.includes("Nothing matches") ?? false`)
	eventually(t, ctx, `document.getElementById("live").textContent === "Nothing matches"`)
}

func languageInPlace(t *testing.T, ctx context.Context) {
	opened(t, ctx, visit(harbours()), harbourDocs)
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`window.same = true; undefined`))
	python := func(operation string) string {
		return `[...document.querySelectorAll("#` + operation + ` [data-language]")].find((a) => a.textContent.trim() === "Python")`
	}
	evaluate[bool](t, ctx, python("op-tides")+`.focus(), `+python("op-tides")+`.click(), true`)
	eventually(t, ctx, `document.querySelector("#snippet-op-listHarbours").textContent.includes("import requests")`)
	is(t, ctx, `window.same && location.search`, "")
	is(t, ctx, `document.querySelector("#snippet-op-tides").textContent.includes("import requests")`, "true")
	is(t, ctx, inFocus+`.textContent.trim() + " " + `+inFocus+`.closest(".operation").id`, "Python op-tides")
	eventually(t, ctx, `document.getElementById("live").textContent === "Examples are in Python"`)
	do(t, ctx, chromedp.Reload())
	is(t, ctx, `document.querySelector("#op-tides [data-language][aria-current]").textContent.trim()`, "Python")
}

func copiedAsMarkdown(t *testing.T, ctx context.Context) {
	s := visit(harbours()).with(harbourDocs+".md", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("# Harbours API")) })
	opened(t, ctx, s, harbourDocs)
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`navigator.clipboard.writeText = async (text) => { window.copiedText = text; }; undefined`),
		chromedp.Click(chromedp.CSS("[data-copy-from]"), chromedp.NodeVisible))
	eventually(t, ctx, `window.copiedText === "# Harbours API"`)
	eventually(t, ctx, `document.querySelector("[data-copy-from]").textContent === "Copied" && document.getElementById("live").textContent === "Copied"`)
	is(t, ctx, `location.pathname`, harbourDocs)
}

const answered = `document.querySelector("#try-result > *") !== null`

func consoleInPlace(t *testing.T, ctx context.Context) {
	f := subscribed()
	f.exchange = exchanged(200, tryit.KindJSON, `[{"id": "far-ness"}]`)
	opened(t, ctx, signedIn(f), listHarbours)
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`window.same = true; document.querySelector("#try-query-limit").value = "many"; undefined`))
	send := chromedp.Click(chromedp.CSS("[data-console] button"), chromedp.NodeVisible)
	do(t, ctx, send)
	eventually(t, ctx, answered)
	is(t, ctx, `document.querySelector("#try-query-limit").getAttribute("aria-invalid") + " " + `+inFocus+`.id`, "true try-result")
	is(t, ctx, `document.getElementById(document.querySelector("#try-query-limit").getAttribute("aria-describedby")).textContent`, "limit must be a whole number")
	evaluate[bool](t, ctx, `document.querySelector("#try-query-limit").value = "5", true`)
	do(t, ctx, send)
	eventually(t, ctx, `document.querySelector(".exchange") !== null`)
	is(t, ctx, `window.same + " " + location.pathname + " " + `+inFocus+`.id`, "true "+listHarbours+" try-result")
	eventually(t, ctx, `document.getElementById("live").textContent.startsWith("200 OK")`)
	is(t, ctx, `document.querySelector("#try-query-limit").value`, "5")
	is(t, ctx, `document.querySelector("[data-console] button").hasAttribute("aria-busy")`, "false")
	is(t, ctx, `document.documentElement.outerHTML.includes("`+keyValue+`")`, "false")
}

func consoleWithoutAnswer(t *testing.T, ctx context.Context) {
	s := signedIn(subscribed())
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	do(t, ctx, chromedp.Navigate(server.URL+listHarbours))
	server.Close()
	do(t, ctx, chromedp.Click(chromedp.CSS("[data-console] button"), chromedp.NodeVisible))
	eventually(t, ctx, answered)
	is(t, ctx, `document.querySelector("#try-result").textContent`, "The portal did not answer. Reload the page and try again.")
	is(t, ctx, `document.querySelector("[data-console] button").textContent`, "Send")
}

// stop describes the element in focus, and what is wrong with it as a stop for the keyboard.
const stop = `(() => {
	const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e), after = getComputedStyle(e, "::after");
	const ring = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || after.outlineStyle !== "none";
	const seen = box.width > 0 && box.bottom > 0 && box.top < innerHeight && style.visibility === "visible";
	return (ring ? "" : "no ring: ") + (seen ? "" : "not visible: ") + e.tagName + " " + (e.id || e.textContent.trim().slice(0, 40));
})()`

func keyboardAlone(t *testing.T, ctx context.Context) {
	f := subscribed()
	f.exchange = exchanged(200, tryit.KindJSON, `[{"id": "far-ness"}]`)
	opened(t, ctx, signedIn(f), listHarbours)
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`window.stops = []; document.addEventListener("focusin", (e) => stops.push(e.target)); undefined`))
	press(t, ctx, kb.Tab)
	is(t, ctx, inFocus+`.className`, "skip")
	for range 100 {
		press(t, ctx, kb.Tab)
		at := evaluate[string](t, ctx, stop)
		if strings.HasPrefix(at, "no ring") || strings.HasPrefix(at, "not visible") {
			t.Errorf("Tab goes to %s", at)
		}
		if evaluate[bool](t, ctx, inFocus+`.matches("[data-console] button")`) {
			break
		}
	}
	is(t, ctx, inFocus+`.textContent`, "Send")
	// The order is that of the page, and every control of the console is among the stops.
	is(t, ctx, `stops.every((e, i) => i === 0 || stops[i - 1].compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING)`, "true")
	is(t, ctx, `[...document.querySelectorAll("[data-console] :is(select, input:not([type=hidden]), summary)")].every((e) => stops.includes(e))`, "true")
	press(t, ctx, kb.Enter)
	eventually(t, ctx, `document.querySelector(".exchange") !== null`)
	press(t, ctx, kb.Tab)
	is(t, ctx, inFocus+`.closest("#try-result") !== null`, "true")
}

func menuCloses(t *testing.T, ctx context.Context) {
	opened(t, ctx, visit(harbours()), harbourDocs)
	evaluate[bool](t, ctx, `document.querySelector(".menu summary").focus(), true`)
	press(t, ctx, kb.Enter)
	is(t, ctx, `document.querySelector(".menu").open`, "true")
	press(t, ctx, kb.Tab)
	is(t, ctx, inFocus+`.textContent`, "OpenAPI (JSON)")
	press(t, ctx, kb.Escape)
	is(t, ctx, `document.querySelector(".menu").open + " " + `+inFocus+`.tagName`, "false SUMMARY")
	press(t, ctx, kb.Enter)
	do(t, ctx, chromedp.Click(chromedp.CSS("h1"), chromedp.NodeVisible))
	is(t, ctx, `document.querySelector(".menu").open`, "false")
}

func nothingMoves(t *testing.T, ctx context.Context) {
	calm := look{width: 1280, media: emulation.MediaFeature{Name: "prefers-reduced-motion", Value: "reduce"}}
	calm.to(t, ctx)
	pages := documentationStates()
	for _, page := range []shown{pages["product, described"], pages["console, with a key"], states()["operation, accepted"]} {
		opened(t, ctx, page.site, page.path)
		is(t, ctx, `[...document.querySelectorAll("*")].flatMap((e) => ["", "::before", "::after"].map((part) => getComputedStyle(e, part)))
			.filter((style) => style.animationName !== "none" || style.transitionDuration !== "0s" || style.scrollBehavior !== "auto").length`, "0")
	}
}

func withoutScript(t *testing.T, ctx context.Context) {
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	f := port()
	f.exchange = exchanged(200, tryit.KindJSON, `[{"id": "far-ness"}]`)
	s := indexed(illustrated(signedIn(f)))
	click := func(selector, then string) {
		t.Helper()
		do(t, ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
		eventually(t, ctx, `document.readyState === "complete" && `+then)
	}
	opened(t, ctx, s, "/apis")
	is(t, ctx, `document.documentElement.classList.contains("js")`, "false")
	click(`.facet a[href="/apis?category=Sea"]`, `document.querySelectorAll(".product").length === 1`)
	click(`.views a[href*="view=list"]`, `document.querySelectorAll(".product-lines li").length === 1`)
	click(`.product-lines a`, `location.pathname === "/apis/harbours"`)
	click(`.versions summary`, `document.querySelector(".versions").open`)
	click(`.tabs a[href$="/docs"]`, `location.pathname === "`+harbourDocs+`"`)
	click(`#op-listHarbours .languages a[href*="language=python"]`, `document.querySelector("#snippet-op-listHarbours").textContent.includes("import requests")`)
	click(`#op-listHarbours .responses summary`, `document.querySelector("#op-listHarbours .responses details").open`)
	is(t, ctx, `[...document.querySelectorAll(".copy, .script, kbd")].every((e) => getComputedStyle(e).visibility === "hidden")`, "true")
	opened(t, ctx, s, listHarbours)
	click(`[data-console] button`, `location.pathname === "`+listHarbours+`/try" && document.querySelector(".exchange-head") !== null`)
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#top-q"), "tides"+kb.Enter))
	eventually(t, ctx, `document.readyState === "complete" && location.pathname === "/search" && document.querySelectorAll(".results li").length > 0`)
}
