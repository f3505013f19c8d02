package local

import (
	"fmt"
	"io"
	"strings"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/cognito"
	"github.com/gatehouse-portal/gatehouse/shell"
)

func (l Portal) printStartupText(out io.Writer, faults string) {
	if out == nil {
		return
	}
	fmt.Fprintf(out, `
  Gatehouse is running.

  Portal         %s
  AWS endpoint   %s
  Operators      %s/healthz  /readyz  /metrics
  Mail           %s  (mail is captured)
  Data           %s  (kept across restarts; --fresh starts over)
  Catalog        %s  (change its files, and the portal follows)
`, l.PortalURL, l.AWSURL, l.OperatorsURL, l.inboxURL(), l.Dir, l.config.Catalog)
	if faults != "" {
		fmt.Fprintf(out, "  Faults         %s\n", faults)
	}
	fmt.Fprint(out, "\n  Sign in as\n")
	for _, account := range demo.Accounts {
		role := ""
		if account.Admin {
			role = "  (admin)"
		}
		fmt.Fprintf(out, "    %-20s %s%s\n", account.Email, account.Password, role)
	}
	fmt.Fprint(out, `
  Admins have pages below /admin, and JSON below /api/v1/admin. docs/admin.md
  explains both.
  Operators use the commands of gatehouse; gatehouse --help lists them.
`)
	fmt.Fprintf(out, `
  For curl, the AWS CLI and the other commands of gatehouse, in another terminal
%s

  Get a token of user pool %s
    aws cognito-idp initiate-auth --auth-flow USER_PASSWORD_AUTH \
      --client-id %s \
      --auth-parameters USERNAME=%s,PASSWORD=%s

  With version 1 of the AWS CLI, add to "aws sqs" commands
    --endpoint-url %s

  Stop with Ctrl+C.

`, l.exports(), l.Demo.PoolID, l.Demo.ClientID, demo.Accounts[0].Email, demo.Accounts[0].Password, l.AWSURL)
}

func (l Portal) exports() string {
	var b strings.Builder
	for _, v := range l.environment() {
		fmt.Fprintf(&b, "    export %s=%s\n", v[0], shell.Word(v[1]))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (l Portal) environment() [][2]string {
	all := [][2]string{
		{"AWS_ENDPOINT_URL", l.AWSURL}, {"AWS_REGION", localaws.Region}, {"AWS_DEFAULT_REGION", localaws.Region},
		{"AWS_ACCESS_KEY_ID", "local"}, {"AWS_SECRET_ACCESS_KEY", "local"},
		{"GATEHOUSE_CATALOG", l.config.Catalog}, {"GATEHOUSE_BASE_URL", l.PortalURL}, {"GATEHOUSE_OIDC_ISSUER", l.config.OIDCIssuer}, {"GATEHOUSE_OIDC_CLIENT_ID", l.config.OIDCClientID},
	}
	// If the pool's address is not its issuer (see signIn), its endpoints cannot be discovered.
	if l.config.OIDCIssuer != l.AWSURL+"/"+l.Demo.PoolID {
		all = append(all, [][2]string{
			{"GATEHOUSE_OIDC_AUTH_URL", l.config.OIDCAuthURL}, {"GATEHOUSE_OIDC_TOKEN_URL", l.config.OIDCTokenURL}, {"GATEHOUSE_OIDC_JWKS_URL", l.config.OIDCJWKSURL},
		}...)
	}
	all = append(all,
		[2]string{"GATEHOUSE_MARKETPLACE_ACCOUNTS", strings.Join(l.config.MarketplaceAccounts, ",")},
		[2]string{"GATEHOUSE_MARKETPLACE_TOPICS", strings.Join(l.config.MarketplaceTopics, ",")},
	)
	if l.config.MarketplaceRole != "" {
		all = append(all, [2]string{"GATEHOUSE_MARKETPLACE_ROLE_ARN", l.config.MarketplaceRole})
	}
	if defaults, err := app.LoadConfig(nil); err == nil && l.config.Prefix != defaults.Prefix {
		all = append(all, [2]string{"GATEHOUSE_PREFIX", l.config.Prefix})
	}
	return all
}

// mailTo prints the user pools' e-mails. Their codes stay out of the log.
func mailTo(out io.Writer) cognito.Post {
	return func(to, subject, body string) {
		if out != nil {
			fmt.Fprintf(out, "\n  Mail to %s: %s\n\n    %s\n\n", to, subject, strings.ReplaceAll(strings.TrimSpace(body), "\n", "\n    "))
		}
	}
}
