// The oldest version reads suspensions and cannot make them: its portals have no way to ask for one.

package e2e

import (
	"net/http"
)

// suspended is an account that an admin has suspended. Workers of either version must leave it so.
type suspended struct {
	*storm
	person
	value, account string
}

// suspend has an admin suspend a newcomer with a working key. Portals and workers must be newer ones.
func (s *storm) suspend() suspended {
	s.Helper()
	admin, ada := s.admin(s.T), s.signUp(s.T, "ada@example.com")
	one := suspended{storm: s, person: ada, value: s.keyOf(ada), account: "/api/v1/admin/accounts/" + ada.me().Account}
	s.others++
	admin.succeed(admin.do(http.MethodPost, one.account+"/suspend", `{"message":"Unpaid bills."}`))
	one.check("suspended", http.StatusForbidden)
	return one
}

// reinstate has an admin reinstate the account.
func (s suspended) reinstate() {
	admin := s.admin(s.storm.T)
	admin.succeed(admin.do(http.MethodPost, s.account+"/reinstate", ""))
	s.check("reinstated", http.StatusOK)
}

// check waits until the API answers the account's key with a status.
func (s suspended) check(step string, want int) {
	s.storm.Helper()
	eventually(s.storm.T, step+": the API answers the key of an account that was suspended with "+http.StatusText(want), func() bool {
		return s.call(s.storm.T, s.value) == want
	})
}
