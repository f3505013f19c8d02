package localaws

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// severalAccounts are the services that Options.Accounts have, each with resources of its own. Of the others there is
// one account.
var severalAccounts = []string{"sqs", "sns", "events", "sts", "metering", "agreements", "entitlements"}

var accountForm = regexp.MustCompile(`^[0-9]{12}$`)

func (o Options) checkAccounts() error {
	for _, account := range o.Accounts {
		if !accountForm.MatchString(account) || account == Account {
			return fmt.Errorf("another AWS account must have 12 digits and not be %s: %q", Account, account)
		}
	}
	if o.Seller != "" && o.Seller != Account && !slices.Contains(o.Accounts, o.Seller) {
		return fmt.Errorf("the seller %s is not among the AWS accounts", o.Seller)
	}
	return nil
}

// permitted refuses the credentials of another account for a service that only has one.
func (s *Server) permitted(call faults.Call, r *http.Request) faults.Call {
	account := s.env.AccountOf(r)
	if account == Account || slices.Contains(severalAccounts, call.Service) {
		return call
	}
	refusal := &wire.Error{
		Code: "AccessDeniedException", Status: http.StatusForbidden,
		Message: fmt.Sprintf("User: arn:aws:iam::%s:root is not authorized to perform: %s:%s because no identity-based policy allows the action", account, call.Service, call.Operation),
	}
	call.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { call.Refuse(w, r, refusal) })
	return call
}
