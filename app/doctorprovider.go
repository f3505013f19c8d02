package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/gatehouse-portal/gatehouse/identity"
)

func providerOf(cfg Config) resource {
	return resource{what: "identity provider", inspect: func(ctx context.Context) (finding, error) {
		if missing := SignIn(cfg); len(missing) > 0 {
			return found(fault{says: capital(missing[0].Error()) + ".", advice: "Set it. The portal cannot start without it; workers can."})
		}
		if cfg.OIDCAuthURL != "" && cfg.OIDCTokenURL != "" && cfg.OIDCJWKSURL != "" {
			return finding{note: cfg.OIDCJWKSURL, faults: signingKeys(ctx, cfg.OIDCJWKSURL, "GATEHOUSE_OIDC_JWKS_URL")}, nil
		}
		var provider struct {
			Issuer string `json:"issuer"`
			Keys   string `json:"jwks_uri"`
		}
		address := strings.TrimSuffix(cfg.OIDCIssuer, "/") + "/.well-known/openid-configuration"
		if err := fetch(ctx, address, &provider); err != nil {
			return found(fault{says: capital(err.Error()) + ".", advice: "Check GATEHOUSE_OIDC_ISSUER, and whether this machine can reach it."})
		}
		if provider.Issuer != cfg.OIDCIssuer {
			return found(fault{
				says:   fmt.Sprintf("It names its issuer %q, but GATEHOUSE_OIDC_ISSUER is %q.", provider.Issuer, cfg.OIDCIssuer),
				advice: "Set GATEHOUSE_OIDC_ISSUER to exactly the issuer that the provider names.",
			})
		}
		if provider.Keys == "" {
			return finding{note: cfg.OIDCIssuer}, nil
		}
		return finding{note: cfg.OIDCIssuer, faults: signingKeys(ctx, provider.Keys, "the provider")}, nil
	}}
}

func signingKeys(ctx context.Context, address, from string) []fault {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	err := fetch(ctx, address, &set)
	if err == nil && len(set.Keys) == 0 {
		err = fmt.Errorf("there are no signing keys at %s", address)
	}
	if err == nil {
		return nil
	}
	return []fault{{
		says:   capital(err.Error()) + ".",
		advice: fmt.Sprintf("Check the address, which comes from %s, and whether this machine can reach it.", from),
	}}
}

func fetch(ctx context.Context, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("%q is not an address", address)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s does not answer: %s", address, rootCause(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("%s does not answer with JSON", address)
	}
	return nil
}

var userPool = regexp.MustCompile(`^[\w-]+_[0-9a-zA-Z]+$`)

func (c clients) poolOf(issuer string) (pool, region string, ok bool) {
	at, err := url.Parse(issuer)
	if err != nil {
		return "", "", false
	}
	pool = strings.Trim(at.Path, "/")
	region, _, _ = strings.Cut(pool, "_")
	isCognito := strings.HasPrefix(at.Host, "cognito-idp.") || aws.ToString(c.config.BaseEndpoint) != ""
	return pool, region, isCognito && userPool.MatchString(pool)
}

// signInClient looks up the portal's client in a Cognito user pool. Other providers have no API
// for that.
func signInClient(e estate) resource {
	callback, signOut := e.cfg.BaseURL+identity.CallbackPath, e.cfg.BaseURL+"/"
	return resource{what: "sign-in client", inspect: func(ctx context.Context) (finding, error) {
		if len(SignIn(e.cfg)) > 0 {
			return finding{}, blocked("the identity provider is not configured")
		}
		pool, region, ok := e.poolOf(e.cfg.OIDCIssuer)
		if !ok {
			return finding{note: fmt.Sprintf("cannot be checked at this provider; it must allow %s as callback URL and %s as sign-out URL", callback, signOut)}, nil
		}
		cfg := e.config
		cfg.Region = region
		out, err := cognitoidentityprovider.NewFromConfig(cfg).DescribeUserPoolClient(ctx, &cognitoidentityprovider.DescribeUserPoolClientInput{
			UserPoolId: &pool, ClientId: &e.cfg.OIDCClientID,
		})
		var none *types.ResourceNotFoundException
		if errors.As(err, &none) {
			return found(fault{
				says:   fmt.Sprintf("User pool %s has no client %s, or there is no such pool.", pool, e.cfg.OIDCClientID),
				advice: "Check GATEHOUSE_OIDC_ISSUER and GATEHOUSE_OIDC_CLIENT_ID.",
			})
		}
		if err != nil {
			return finding{}, err
		}
		return finding{note: callback, faults: clientFaults(out.UserPoolClient, e.cfg, callback, signOut)}, nil
	}}
}

func clientFaults(client *types.UserPoolClientType, cfg Config, callback, signOut string) []fault {
	const (
		where  = "Change it at the user pool's app client, under Login pages."
		addURL = "Add what is missing at the user pool's app client, under Login pages, or correct GATEHOUSE_BASE_URL."
	)
	var all []fault
	add := func(wrong bool, says, advice string) {
		if wrong {
			all = append(all, fault{says: says, advice: advice})
		}
	}
	add(!slices.Contains(client.CallbackURLs, callback), fmt.Sprintf("%s is not one of its callback URLs, so nobody can sign in.", callback),
		addURL)
	add(!slices.Contains(client.LogoutURLs, signOut), fmt.Sprintf("%s is not one of its sign-out URLs, so signing out ends on an error page.", signOut),
		addURL)
	add(!aws.ToBool(client.AllowedOAuthFlowsUserPoolClient) || !slices.Contains(client.AllowedOAuthFlows, types.OAuthFlowTypeCode),
		"It does not allow the authorization code flow.", where)
	for _, scope := range []string{"openid", "email", "profile"} {
		add(!slices.Contains(client.AllowedOAuthScopes, scope), fmt.Sprintf("It does not allow the scope %s.", scope), where)
	}
	secret := aws.ToString(client.ClientSecret)
	add(secret != "" && cfg.OIDCClientSecret == "", "It has a secret, and GATEHOUSE_OIDC_CLIENT_SECRET is not set.", "Set it to the client's secret.")
	add(secret == "" && cfg.OIDCClientSecret != "", "It has no secret, and GATEHOUSE_OIDC_CLIENT_SECRET is set.", "Leave that variable empty.")
	add(secret != "" && cfg.OIDCClientSecret != "" && secret != cfg.OIDCClientSecret, "Its secret is not that of GATEHOUSE_OIDC_CLIENT_SECRET.", "Set the variable to the client's secret.")
	return all
}
