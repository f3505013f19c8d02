package web

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/catalog/folder"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func (s *Web) publicDocuments(router chi.Router) {
	get(router, "/favicon.ico", s.favicon)
	get(router, "/robots.txt", s.robots)
	get(router, "/.well-known/security.txt", s.securityText)
	get(router, "/schemas/product.json", productSchema)
	get(router, "/problems/{code}", s.page(s.problem))
	get(router, "/sign-up", signUpHere)
}

const keptForADay = "public, max-age=86400"

func (s *Web) favicon(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", keptForADay)
	if b := s.branding(); b.Favicon != "" {
		file := b.Files[b.Favicon]
		w.Header().Set("Content-Type", file.Type)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.Body))
		return
	}
	http.ServeContent(w, r, "favicon.svg", time.Time{}, bytes.NewReader(assetContents[assetNames["favicon.svg"]]))
}

// robots keeps crawlers off pages that need a sign-in, and names the sitemap (RFC 9309). Link
// previews need the images of products.
func (s *Web) robots(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", keptForADay)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("User-agent: *\nAllow: /api/v1/catalog/*/image\nDisallow: /api/\nDisallow: /dashboard\nDisallow: /operations/\nDisallow: /search\nDisallow: /sign-in\nDisallow: /sign-up\n"))
	if s.baseURL != "" {
		fmt.Fprintf(w, "\nSitemap: %s/sitemap.xml\n", s.baseURL)
	}
}

func productSchema(w http.ResponseWriter, r *http.Request) { serveSchema(w, r, folder.Schema) }

func serveSchema(w http.ResponseWriter, r *http.Request, schema []byte) {
	w.Header().Set("Cache-Control", keptForADay)
	w.Header().Set("ETag", `"`+catalog.HashOf(schema)+`"`)
	w.Header().Set("Content-Type", "application/schema+json")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	http.ServeContent(w, r, "schema.json", time.Time{}, bytes.NewReader(schema))
}

// securityTextAge is how long security.txt is valid, at most a year (RFC 9116, section 2.5.5).
const securityTextAge = 180 * 24 * time.Hour

// securityText says where to report a vulnerability (RFC 9116).
func (s *Web) securityText(w http.ResponseWriter, r *http.Request) {
	if s.contact == "" {
		s.notFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", keptForADay)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	expires := s.now().UTC().Truncate(24 * time.Hour).Add(securityTextAge)
	fmt.Fprintf(w, "Contact: %s\nExpires: %s\n", s.contact, expires.Format(time.RFC3339))
	if s.baseURL != "" {
		fmt.Fprintf(w, "Canonical: %s/.well-known/security.txt\n", s.baseURL)
	}
}

func signUpHere(w http.ResponseWriter, r *http.Request) {
	returnTo := r.URL.Query().Get("return_to")
	if !identity.CanReturnTo(returnTo) || returnTo == "" {
		returnTo = identity.HomePath
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, signUp(returnTo), http.StatusSeeOther)
}

type problemPage struct {
	Code      string
	Means, Do string
}

// problemPages has every code, since a problem's type is its page's address.
var problemPages = map[portal.Code]problemPage{
	portal.Invalid:           {Means: "The request is not valid.", Do: "The detail and the errors of the problem say what to change. Sending the same request again does not help."},
	portal.Unauthorized:      {Means: "The request carries no valid token and no session.", Do: "Get a new ID or access token from this portal's identity provider and send it as a bearer token."},
	portal.Forbidden:         {Means: "The signed-in person is not allowed to do this, or a page on another site sent the request.", Do: "If you think you should be allowed to, ask the operator of this portal."},
	portal.NotFound:          {Means: "The resource does not exist, or it belongs to another account.", Do: "Check the address, and whose token you send."},
	portal.Conflict:          {Means: "The present state does not allow the request.", Do: "The detail says what is in the way. Change that first, then send the request again."},
	portal.LimitReached:      {Means: "An AWS limit is reached.", Do: "Leave a plan to make room, or ask the operator of this portal to have the quota raised. Then send the request again."},
	portal.NotRegistered:     {Means: "The account is not registered yet.", Do: "Send POST /api/v1/register, wait until that operation has succeeded, then send the request again."},
	portal.Suspended:         {Means: "The operator of this portal has suspended the account.", Do: "The detail has the operator's reason. Ask the operator to reinstate the account; its keys work again then."},
	portal.Deleting:          {Means: "The account is being deleted.", Do: "Wait until it is gone, which usually takes less than a minute. Then sign in again to open a new account."},
	portal.Superseded:        {Means: "A newer request replaced this one.", Do: "Nothing, if the newer request is what you want. Otherwise send this one again."},
	portal.KeyReused:         {Means: "The Idempotency-Key was used for another request before.", Do: "Use a new key for a new request."},
	portal.TooLarge:          {Means: "The body of the request is too large.", Do: "Send a smaller body."},
	portal.TooManyRequests:   {Means: "The account has sent too many requests in a short time, or has too many open ones.", Do: "Wait as many seconds as Retry-After says. If the detail says so, wait until earlier requests have ended. Then continue more slowly."},
	portal.Unavailable:       {Means: "A service that the portal depends on does not answer.", Do: "Send the same request again after as many seconds as Retry-After says, with the same Idempotency-Key if it has one."},
	portal.Internal:          {Means: "Something went wrong in the portal.", Do: "Try again later. If that does not help, send the operator of this portal the request_id."},
	"method_not_allowed":     {Means: "The resource does not support this method.", Do: "The Allow header lists the methods that it supports."},
	"unsupported_media_type": {Means: "The media type of the body is not supported.", Do: "Send JSON with Content-Type: application/json."},
	"not_acceptable":         {Means: "The portal cannot respond in any of the media types that the request accepts.", Do: "Accept application/json."},
	"timeout":                {Means: "The body of the request took too long to arrive.", Do: "Send it again, all of it within half a minute."},
}

func (s *Web) problem(w http.ResponseWriter, r *http.Request) error {
	code := portal.Code(chi.URLParam(r, "code"))
	body, ok := problemPages[code]
	if !ok {
		return errNothing
	}
	body.Code = string(code)
	protect(w, r)
	s.render(w, r, http.StatusOK, view{page: "problem", Title: "Problem: " + body.Code, Body: body})
	return nil
}

type signedOutPage struct{ Next string }

// SignedOut answers a sign-out with a page that leads to next, the identity provider's
// sign-out page. A redirect would not work: browsers apply form-action to redirects
// after a form, and the provider may redirect to another site.
func (s *Web) SignedOut(w http.ResponseWriter, r *http.Request, next string) {
	protect(w, r)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Refresh", "0; url="+next)
	s.render(w, r, http.StatusOK, view{page: "signed-out", Title: "Signed out", Body: signedOutPage{next}})
}
