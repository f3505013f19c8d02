package cognito

import (
	"net/http"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// serveLogout ends the session only if logout_uri is one of the client's sign-out URLs:
// https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html
func (s *Service) serveLogout(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	c, _, err := s.findClientPool(q.Get("client_id"))
	unknown := wire.IsCode(err, "ResourceNotFoundException") || wire.IsCode(err, "InvalidParameterException")
	if err != nil && !unknown {
		s.fail(w, err)
		return
	}
	to := q.Get("logout_uri")
	if unknown || len(q["logout_uri"]) != 1 || !slices.Contains(c.Settings.LogoutURLs, to) {
		s.render(w, http.StatusBadRequest, "error", view{
			Title: "This sign-out link does not work",
			Error: "The logout_uri is not one of the client's sign-out URLs.",
		})
		return
	}
	if err := s.endSession(w, r); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, to, http.StatusFound)
}
