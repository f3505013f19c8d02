package cognito

import (
	"net/http"
	"strings"
)

// maxForm is in bytes.
const maxForm = 64 << 10

// routes serves the paths of Cognito's managed login and its issuers:
// https://docs.aws.amazon.com/cognito/latest/developerguide/managed-login-endpoints.html
func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{pool}/.well-known/openid-configuration", s.serveDiscovery)
	mux.HandleFunc("GET /{pool}/.well-known/jwks.json", s.serveKeys)
	mux.HandleFunc("GET /oauth2/authorize", s.serveAuthorize)
	mux.HandleFunc("POST /oauth2/token", s.serveToken)
	mux.HandleFunc("GET /oauth2/userInfo", s.serveUserInfo)
	mux.HandleFunc("POST /oauth2/userInfo", s.serveUserInfo)
	mux.HandleFunc("POST /oauth2/revoke", s.serveRevoke)
	mux.HandleFunc("GET /logout", s.serveLogout)
	mux.HandleFunc("GET /login", s.serveLogin)
	mux.HandleFunc("GET /signup", s.serveSignUp)
	mux.HandleFunc("GET /forgotPassword", s.serveForgotPassword)
	mux.HandleFunc("GET "+stylesheetPath, serveStylesheet)

	// No other site may sign a browser in.
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(s.serveCrossOrigin))
	for path, form := range map[string]http.HandlerFunc{
		"/login": s.postLogin, "/signup": s.postSignUp, "/confirm": s.posted(s.postConfirm), "/resendcode": s.posted(s.postResend),
		"/forgotPassword": s.posted(s.postForgotPassword), "/confirmForgotPassword": s.posted(s.postReset),
		"/changePassword": s.posted(s.postNewPassword),
	} {
		mux.Handle("POST "+path, sameOrigin.Handler(form))
	}

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		// Other sites must not see state and nonce in our addresses. With no-referrer, browsers
		// would send our own forms with "Origin: null".
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Content-Security-Policy", contentPolicy(""))
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		mux.ServeHTTP(w, r)
	})
}

// contentPolicy includes the callback's origin in form-action, because browsers also apply it
// to the redirect after a post.
func contentPolicy(callback string) string {
	return strings.TrimSpace("default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self' " + callback)
}
