package marketplace

import (
	"cmp"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rs/zerolog"
)

// ConsolePath is a page on which people buy, pay and cancel, as on AWS's own console. Forms post to it:
//
//	POST ConsolePath                  subscribe; the field product is a product code
//	POST ConsolePath/AGREEMENT/STEP   the steps of Path, and renew-same; amend takes the fields dimension, quantity
//
// It refuses forms of other sites.
const ConsolePath = Path + "/subscriptions"

func (s *Service) consoleRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+ConsolePath, func(w http.ResponseWriter, r *http.Request) { s.serveConsole(w, r, http.StatusOK, "") })
	mux.HandleFunc("POST "+ConsolePath, s.consoleForm(func(r *http.Request) error {
		product, quantities, err := s.chosen(r)
		if err != nil {
			return err
		}
		_, err = s.Subscribe(Order{Product: product, Quantities: quantities})
		return err
	}))
	mux.HandleFunc("POST "+ConsolePath+"/{agreement}/{step}", s.consoleForm(s.consoleStep))
}

// consoleForm returns to the page after the step. If the step is impossible, the page says why.
func (s *Service) consoleForm(take func(*http.Request) error) http.HandlerFunc {
	sameSite := http.NewCrossOriginProtection()
	return func(w http.ResponseWriter, r *http.Request) {
		if err := sameSite.Check(r); err != nil {
			http.Error(w, "another site has sent this form", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := r.ParseForm(); err != nil {
			http.Error(w, "this is no form", http.StatusBadRequest)
			return
		}
		if err := take(r); err != nil {
			refusal := refusalOf(r, err)
			s.serveConsole(w, r, refusal.HTTPStatus(), refusal.Message)
			return
		}
		http.Redirect(w, r, ConsolePath, http.StatusSeeOther)
	}
}

// chosen is what the form for a new buyer says. A contract is for one of the first dimension, unless the form
// names another.
func (s *Service) chosen(r *http.Request) (code string, quantities map[string]int, err error) {
	code = r.PostForm.Get("product")
	all, err := s.Products()
	i := slices.IndexFunc(all, func(p Product) bool { return p.Code == code })
	if err != nil || i < 0 || len(all[i].ContractDimensions) == 0 {
		return code, nil, err
	}
	dimension := cmp.Or(r.PostForm.Get("dimension"), all[i].ContractDimensions[0])
	n, err := quantityOf(r)
	return code, map[string]int{dimension: n}, err
}

func quantityOf(r *http.Request) (int, error) {
	n, err := strconv.Atoi(cmp.Or(strings.TrimSpace(r.PostForm.Get("quantity")), "1"))
	if err != nil {
		return 0, badRequest("the quantity must be a number")
	}
	return n, nil
}

func (s *Service) consoleStep(r *http.Request) (err error) {
	agreement, step := r.PathValue("agreement"), r.PathValue("step")
	switch step {
	case "end":
		_, err = s.End(agreement, Ending{})
	case "renew", "renew-same":
		_, err = s.Renew(agreement, Renewal{KeepLicence: step == "renew-same"})
	case "amend":
		var n int
		if n, err = quantityOf(r); err == nil {
			_, err = s.Amend(agreement, Amendment{Quantities: map[string]int{r.PostForm.Get("dimension"): n}})
		}
	default:
		take := s.simpleSteps()[step]
		if take == nil {
			return notFound("there is no step %q", step)
		}
		_, err = take(agreement)
	}
	return err
}

type consoleView struct {
	Fault     string
	Path      string
	Products  []Product
	Purchases []consoleLine
}

type consoleLine struct {
	Purchase
	Title, State, Bought, Path, Arrival string
	// Dimensions are those to which the contract can be changed.
	Dimensions []string
	Steps      []consoleButton
}

type consoleButton struct{ Step, Text string }

func (s *Service) serveConsole(w http.ResponseWriter, r *http.Request, status int, fault string) {
	view, err := s.console(otherSite(r))
	if err != nil {
		respond(w, r, func(*http.Request) (any, error) { return nil, err })
		return
	}
	view.Fault = fault
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "same-origin")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(status)
	if err := consolePage.Execute(w, view); err != nil {
		zerolog.Ctx(r.Context()).Error().Err(err).Msg("the local AWS Marketplace could not write a page")
	}
}

// otherSite begins the address of the page from which buyers arrive: as on AWS, the form comes from another site
// than the portal's.
func otherSite(r *http.Request) string {
	if port, ok := strings.CutPrefix(r.Host, "localhost:"); ok {
		return "http://127.0.0.1:" + port
	}
	return ""
}

func (s *Service) console(arrivals string) (view consoleView, err error) {
	view.Path = ConsolePath
	products, err := s.Products()
	if err != nil {
		return view, err
	}
	known := map[string]Product{}
	for _, p := range products {
		known[p.Code] = p
		if p.RegistrationURL != "" {
			view.Products = append(view.Products, p)
		}
	}
	all, err := s.Purchases()
	slices.SortFunc(all, func(a, b Purchase) int {
		return cmp.Or(b.Accepted.Compare(a.Accepted), cmp.Compare(a.Agreement, b.Agreement))
	})
	for _, p := range all {
		view.Purchases = append(view.Purchases, consoleLineOf(p, known[p.Product], arrivals))
	}
	return view, err
}

func consoleLineOf(p Purchase, product Product, arrivals string) consoleLine {
	line := consoleLine{Purchase: p, Title: cmp.Or(product.Name, p.Product), State: p.state(), Path: ConsolePath + "/" + url.PathEscape(p.Agreement)}
	for _, dimension := range slices.Sorted(maps.Keys(p.Quantities)) {
		line.Bought += ", " + strconv.Itoa(p.Quantities[dimension]) + " of " + dimension
	}
	if p.Status == Active && product.RegistrationURL != "" {
		line.Arrival = arrivals + Path + "/purchases/" + url.PathEscape(p.Agreement) + "/arrive"
	}
	if p.Status == Active && p.provisioned() {
		line.Dimensions = product.ContractDimensions
	}
	line.Steps = p.buttons(product.Kind)
	return line
}

// state says in words what the buyer of AWS's console would read.
func (p Purchase) state() string {
	switch {
	case p.Cancelling:
		return "Being cancelled"
	case p.Status == Active && p.provisioned():
		return "Active"
	case p.Status == Active:
		return "Waits for the payment"
	case p.Entitlement == Failed:
		return "The payment failed"
	case p.provisioned():
		return "The agreement is over (" + strings.ToLower(p.Status) + "), and the licence still works"
	}
	return "Over (" + strings.ToLower(p.Status) + ")"
}

// buttons are the steps that are possible now.
func (p Purchase) buttons(kind Kind) (steps []consoleButton) {
	active := p.Status == Active
	if active && p.Entitlement == Pending {
		steps = append(steps, consoleButton{"pay", "Let the payment succeed"}, consoleButton{"fail", "Let the payment fail"})
	}
	if active && !p.Cancelling {
		steps = append(steps, consoleButton{"cancel", "Cancel"})
	}
	if active && p.provisioned() && !p.Cancelling {
		if kind == EventBridge {
			steps = append(steps, consoleButton{"renew", "Renew with a new licence"})
		}
		steps = append(steps, consoleButton{"renew-same", "Renew with the same licence"})
	}
	switch {
	case active && kind == SNS:
		steps = append(steps, consoleButton{"end", "End it"})
	case active:
		steps = append(steps, consoleButton{"end", "Let it expire"})
	case kind == EventBridge && p.provisioned():
		steps = append(steps, consoleButton{"deprovision", "Take the licence away"})
	}
	if (p.Cancelling || !active) && p.Status != Renewed {
		steps = append(steps, consoleButton{"resubscribe", "Buy it again, and pay"})
	}
	return steps
}

var consolePage = template.Must(template.New("console").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Subscriptions on the local AWS Marketplace</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:48em;margin:0 auto;padding:1em;overflow-wrap:anywhere}button,select,input{font:inherit;padding:.4em .8em;max-width:100%}form{display:inline-block;margin:.25em .4em .25em 0}li{margin:0 0 1.5em}ul{padding-left:1.2em}[role=alert]{border:2px solid;padding:.6em}input{width:6em}</style></head><body>
<h1>Subscriptions on the local AWS Marketplace</h1>
<p>This page plays AWS Marketplace: its buyers, and AWS. Nothing here costs money.</p>
{{- if .Fault}}
<p role="alert">Refused: {{.Fault}}.</p>
{{- end}}
<h2>Buy as a new AWS account</h2>
{{- range .Products}}
<form method="post" action="{{$.Path}}">
<input type="hidden" name="product" value="{{.Code}}">
{{- if .ContractDimensions}}
<label>Dimension of {{.Name}} <select name="dimension">{{range .ContractDimensions}}<option>{{.}}</option>{{end}}</select></label>
{{- end}}
<button>Subscribe to {{.Name}}</button>
</form>
{{- else}}
<p>No product has an address to which buyers can be sent.</p>
{{- end}}
<h2>What was bought</h2>
{{- if .Purchases}}
<ul>
{{- range $line := .Purchases}}
<li><b>{{.Title}}</b>{{.Bought}}: {{.State}}<br>
AWS account {{.Account}}, agreement {{.Agreement}}, licence {{.Licence}}<br>
{{- if .Arrival}}
<a href="{{.Arrival}}">Set up your account</a><br>
{{- end}}
{{- range .Steps}}
<form method="post" action="{{$line.Path}}/{{.Step}}"><button aria-label="{{.Text}}: {{$line.Title}}, agreement {{$line.Agreement}}">{{.Text}}</button></form>
{{- end}}
{{- if .Dimensions}}
<form method="post" action="{{.Path}}/amend"><label>Quantity <input name="quantity" type="number" min="1" value="1"></label> <label>of <select name="dimension">{{range .Dimensions}}<option>{{.}}</option>{{end}}</select></label> <button aria-label="Change the contract: {{.Title}}, agreement {{.Agreement}}">Change the contract</button></form>
{{- end}}
</li>
{{- end}}
</ul>
{{- else}}
<p>Nothing yet.</p>
{{- end}}
</body></html>
`))
