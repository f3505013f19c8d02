// Package app wires Gatehouse together: configuration, the two processes, set-up and the
// operators' commands. A laptop, a test and production run the same code. It decides nothing.
package app

import (
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/catalog/folder"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/keys"
)

// Config holds the GATEHOUSE_ environment variables, which docs/configuration.md describes.
type Config struct {
	Prefix  string `env:"GATEHOUSE_PREFIX" envDefault:"gatehouse"`
	BaseURL string `env:"GATEHOUSE_BASE_URL" envDefault:"http://localhost:8080"`
	Addr    string `env:"GATEHOUSE_ADDR" envDefault:":8080"`
	// OperatorsAddr is where health and metrics listen; "" is a default on loopback.
	OperatorsAddr string `env:"GATEHOUSE_OPERATORS_ADDR"`

	OIDCIssuer       string `env:"GATEHOUSE_OIDC_ISSUER"`
	OIDCClientID     string `env:"GATEHOUSE_OIDC_CLIENT_ID"`
	OIDCClientSecret string `env:"GATEHOUSE_OIDC_CLIENT_SECRET"`
	OIDCJWKSURL      string `env:"GATEHOUSE_OIDC_JWKS_URL"`
	OIDCAuthURL      string `env:"GATEHOUSE_OIDC_AUTH_URL"`
	OIDCTokenURL     string `env:"GATEHOUSE_OIDC_TOKEN_URL"`
	OIDCSignUpURL    string `env:"GATEHOUSE_OIDC_SIGN_UP_URL"`
	OIDCSignOutURL   string `env:"GATEHOUSE_OIDC_SIGN_OUT_URL"`
	OIDCGroupsClaim  string `env:"GATEHOUSE_OIDC_GROUPS_CLAIM" envDefault:"cognito:groups"`
	AdminGroup       string `env:"GATEHOUSE_ADMIN_GROUP" envDefault:"admins"`
	// A session ends after SessionTTL, or after SessionIdle without use.
	SessionTTL  time.Duration `env:"GATEHOUSE_SESSION_TTL" envDefault:"12h"`
	SessionIdle time.Duration `env:"GATEHOUSE_SESSION_IDLE" envDefault:"24h"`

	MaxConnections int `env:"GATEHOUSE_MAX_CONNECTIONS" envDefault:"4096"`
	// TrustedProxies are the networks whose X-Forwarded-For is believed; see parseProxies.
	TrustedProxies []string `env:"GATEHOUSE_TRUSTED_PROXIES" envDefault:"private"`
	// CORSOrigins are the origins whose pages may call the API with bearer tokens.
	CORSOrigins []string `env:"GATEHOUSE_CORS_ORIGINS"`
	// TryPrivateHosts are hosts of APIs that try-it may call at private addresses.
	TryPrivateHosts []string `env:"GATEHOUSE_TRY_PRIVATE_HOSTS"`
	// SecurityContact is a URL or e-mail address for reports of vulnerabilities.
	SecurityContact string `env:"GATEHOUSE_SECURITY_CONTACT"`
	// Branding is a folder; see branding.Load.
	Branding string `env:"GATEHOUSE_BRANDING"`

	// Registration is RegistrationOpen, RegistrationApproval or RegistrationInvitation.
	Registration    string `env:"GATEHOUSE_REGISTRATION" envDefault:"open"`
	MaxOpenRequests int    `env:"GATEHOUSE_MAX_OPEN_REQUESTS" envDefault:"50"`

	// KMSKey is an ARN, id or alias; "" is the alias that set-up creates.
	KMSKey       string  `env:"GATEHOUSE_KMS_KEY"`
	KeyPrefix    string  `env:"GATEHOUSE_KEY_PREFIX" envDefault:"gh"`
	QuotaShare   float64 `env:"GATEHOUSE_QUOTA_SHARE" envDefault:"0.5"`
	Provisioning string  `env:"GATEHOUSE_PROVISIONING" envDefault:"auto"`

	PlansPerKey int `env:"GATEHOUSE_PLANS_PER_KEY" envDefault:"10"`
	// IdleKeys is how long API Gateway keeps idle keys; 0 is for ever.
	IdleKeys time.Duration `env:"GATEHOUSE_IDLE_KEYS" envDefault:"720h"`

	// Keys is KeysPerAccount or KeysPerPlan.
	Keys                 string        `env:"GATEHOUSE_KEYS" envDefault:"account"`
	KeysPerRing          int           `env:"GATEHOUSE_KEYS_PER_RING" envDefault:"1"`
	KeepEndedKeys        time.Duration `env:"GATEHOUSE_KEEP_ENDED_KEYS" envDefault:"30h"`
	RotationCarriesUsage bool          `env:"GATEHOUSE_ROTATION_CARRIES_USAGE" envDefault:"true"`

	// Offer is OfferTagged or OfferAll.
	Offer string `env:"GATEHOUSE_OFFER" envDefault:"tagged"`
	// Catalog is the catalog folder, such as ./catalog or s3://bucket/prefix; "" is none.
	Catalog string `env:"GATEHOUSE_CATALOG"`

	// MarketplaceRole is the ARN of the role that acts as the seller on AWS Marketplace; "" is
	// this process's own.
	MarketplaceRole   string `env:"GATEHOUSE_MARKETPLACE_ROLE_ARN"`
	MarketplaceRegion string `env:"GATEHOUSE_MARKETPLACE_REGION" envDefault:"us-east-1"`
	// The notices of these SNS topics, and of the event buses of these AWS accounts, count.
	MarketplaceTopics   []string `env:"GATEHOUSE_MARKETPLACE_TOPICS"`
	MarketplaceAccounts []string `env:"GATEHOUSE_MARKETPLACE_ACCOUNTS"`

	// Trail is TrailOff or TrailOn.
	Trail string `env:"GATEHOUSE_TRAIL" envDefault:"off"`

	// Mail is "ses", "smtp://user:password@host:port" or "none"; see email.Parse.
	Mail     string `env:"GATEHOUSE_MAIL" envDefault:"none"`
	MailFrom string `env:"GATEHOUSE_MAIL_FROM"`

	// OperatorsTopic is the ARN of an SNS topic, and OperatorsWebhook a URL, that workers send alarms
	// to; "" is none. With OperatorsWebhookPrivate the URL may be inside a network.
	OperatorsTopic          string `env:"GATEHOUSE_OPERATORS_TOPIC"`
	OperatorsWebhook        string `env:"GATEHOUSE_OPERATORS_WEBHOOK"`
	OperatorsWebhookPrivate bool   `env:"GATEHOUSE_OPERATORS_WEBHOOK_PRIVATE" envDefault:"false"`

	// Metrics is MetricsNone or MetricsCloudWatch.
	Metrics string `env:"GATEHOUSE_METRICS" envDefault:"none"`
	// PProf is PProfOff or PProfOn.
	PProf     string `env:"GATEHOUSE_PPROF" envDefault:"off"`
	LogLevel  string `env:"GATEHOUSE_LOG_LEVEL" envDefault:"info"`
	LogFormat string `env:"GATEHOUSE_LOG_FORMAT" envDefault:"auto"`
}

// The values of Config.Provisioning.
const (
	// ProvisioningAuto creates many keys at once, where `gatehouse doctor --probe-import` has
	// shown that this works.
	ProvisioningAuto   = "auto"
	ProvisioningSingle = "single"
)

// The values of Config.Metrics.
const (
	MetricsNone = "none"
	// MetricsCloudWatch has workers write metrics for Amazon CloudWatch to standard output.
	MetricsCloudWatch = "cloudwatch"
)

// The values of Config.Trail.
const (
	TrailOff = "off"
	// TrailOn has workers read the events about changes in API Gateway that a rule of EventBridge sends to a queue.
	TrailOn = "on"
)

// The values of Config.PProf.
const (
	PProfOff = "off"
	// PProfOn serves profiles of the process on the operators' port.
	PProfOn = "on"
)

// The values of Config.Keys.
const (
	// KeysPerAccount gives an account one ring.
	KeysPerAccount = "account"
	// KeysPerPlan gives each new subscription a ring of its own.
	KeysPerPlan = "plan"
)

// The values of Config.Registration.
const (
	// RegistrationOpen lets everybody register who can sign in.
	RegistrationOpen = "open"
	// RegistrationApproval makes people wait for an admin's approval.
	RegistrationApproval = "approval"
	// RegistrationInvitation lets only people register whose verified e-mail address was invited.
	RegistrationInvitation = "invitation"
)

// The values of Config.Offer.
const (
	// OfferTagged offers the usage plans that have the tag catalog.OfferTag or that a product folder
	// names.
	OfferTagged = "tagged"
	// OfferAll offers every usage plan that no product folder withholds.
	OfferAll = "all"
)

var testVariables = []string{"GATEHOUSE_REQUIRE", "GATEHOUSE_SPECS", "GATEHOUSE_TERRAFORM_PLUGINS"}

// LoadConfig reads the environment. Its error names all that is wrong: unknown GATEHOUSE_
// variables, unusable values, and missing settings that a need requires.
func LoadConfig(environ []string, needs ...Need) (Config, error) {
	vars := map[string]string{}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok && strings.HasPrefix(name, "GATEHOUSE_") {
			vars[name] = value
		}
	}
	cfg, unreadable, err := parse(vars)
	if err != nil {
		return cfg, err
	}
	faults := slices.Concat(unknownVariables(vars), unreadable, cfg.faults())
	for _, need := range needs {
		faults = append(faults, need(cfg)...)
	}
	return cfg, unusable(faults)
}

// Need returns an error for each missing setting that only some processes need.
type Need func(Config) []error

func unusable(faults []error) error {
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("the configuration is not usable:\n  %w", joinLines(faults))
}

// parse gives an unreadable setting its default, so that no later check reports it again.
func parse(vars map[string]string) (cfg Config, faults []error, err error) {
	readable := maps.Clone(vars)
	var all env.AggregateError
	if err := env.ParseWithOptions(&cfg, env.Options{Environment: readable}); err != nil && !errors.As(err, &all) {
		return cfg, nil, err
	}
	for _, one := range all.Errors {
		var failed env.ParseError
		if !errors.As(one, &failed) {
			return cfg, nil, one
		}
		field, _ := reflect.TypeFor[Config]().FieldByName(failed.Name)
		name := field.Tag.Get("env")
		kind := "a number"
		if failed.Type == reflect.TypeFor[time.Duration]() {
			kind = "a duration, like 12h or 90m"
		}
		if failed.Type == reflect.TypeFor[bool]() {
			kind = "true or false"
		}
		faults = append(faults, fmt.Errorf("%s %q: want %s", name, vars[name], kind))
		delete(readable, name)
	}
	if len(faults) > 0 {
		cfg = Config{}
		err = env.ParseWithOptions(&cfg, env.Options{Environment: readable})
	}
	return cfg, faults, err
}

func unknownVariables(vars map[string]string) []error {
	params, err := env.GetFieldParams(&Config{})
	if err != nil {
		return []error{err}
	}
	known := slices.Clone(testVariables)
	for _, p := range params {
		known = append(known, p.Key)
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if !slices.Contains(known, name) {
			faults = append(faults, fmt.Errorf("%s is not a setting of Gatehouse", name))
		}
	}
	return faults
}

func (c Config) faults() []error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(validPrefix(c.Prefix), "GATEHOUSE_PREFIX %q: want 1 to 40 letters, digits and hyphens", c.Prefix)
	base, err := url.Parse(c.BaseURL)
	check(err == nil && (base.Scheme == "http" || base.Scheme == "https") && base.Host != "" && strings.Trim(base.Path, "/") == "" &&
		base.RawQuery == "" && base.Fragment == "",
		"GATEHOUSE_BASE_URL %q: want a scheme and a host, like https://portal.example.com", c.BaseURL)
	for _, address := range c.addresses() {
		check(!plainHTTP(address.value), "%s %q: want https; http is for loopback addresses only", address.name, address.value)
	}
	check(c.QuotaShare > 0 && c.QuotaShare <= 1, "GATEHOUSE_QUOTA_SHARE %g: want a number above 0 and at most 1", c.QuotaShare)
	check(slices.Contains([]string{ProvisioningAuto, ProvisioningSingle}, c.Provisioning), "GATEHOUSE_PROVISIONING %q: want auto or single", c.Provisioning)
	check(slices.Contains([]string{RegistrationOpen, RegistrationApproval, RegistrationInvitation}, c.Registration),
		"GATEHOUSE_REGISTRATION %q: want open, approval or invitation", c.Registration)
	check(slices.Contains([]string{OfferTagged, OfferAll}, c.Offer), "GATEHOUSE_OFFER %q: want tagged or all", c.Offer)
	check(slices.Contains([]string{TrailOff, TrailOn}, c.Trail), "GATEHOUSE_TRAIL %q: want off or on", c.Trail)
	if c.Catalog != "" {
		_, err = folder.Open(c.Catalog, nil)
		check(err == nil, "GATEHOUSE_CATALOG: %v", err)
	}
	_, err = keys.New(nil, c.KeyPrefix)
	check(err == nil, "GATEHOUSE_KEY_PREFIX: %v", err)
	check(c.SessionTTL >= identity.MinSessionTTL, "GATEHOUSE_SESSION_TTL %s: want at least a minute", c.SessionTTL)
	check(c.SessionTTL <= identity.MaxSessionTTL,
		"GATEHOUSE_SESSION_TTL %s: want at most 720h (30 days), since a session keeps the groups of its sign-in until it ends", c.SessionTTL)
	check(c.SessionIdle >= identity.MinSessionIdle, "GATEHOUSE_SESSION_IDLE %s: want at least 5m", c.SessionIdle)
	check(c.MaxConnections > 0, "GATEHOUSE_MAX_CONNECTIONS %d: want at least 1", c.MaxConnections)
	_, err = parseProxies(c.TrustedProxies)
	check(err == nil, "GATEHOUSE_TRUSTED_PROXIES: %v", err)
	for _, origin := range c.CORSOrigins {
		check(api.IsOrigin(origin) && !plainHTTP(origin), "GATEHOUSE_CORS_ORIGINS %q: want an https origin without a path, like https://app.example.com", origin)
	}
	for _, host := range c.TryPrivateHosts {
		check(isHost(host), "GATEHOUSE_TRY_PRIVATE_HOSTS %q: want host names or IP addresses, without scheme and port, like api.internal.example.com", host)
	}
	_, err = contactURL(c.SecurityContact)
	check(err == nil, "GATEHOUSE_SECURITY_CONTACT %q: want an https URL or an e-mail address", c.SecurityContact)
	check(slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel), "GATEHOUSE_LOG_LEVEL %q: want debug, info, warn or error", c.LogLevel)
	check(c.MaxOpenRequests >= 1 && c.MaxOpenRequests <= 500, "GATEHOUSE_MAX_OPEN_REQUESTS %d: want 1 to 500", c.MaxOpenRequests)
	check(c.PlansPerKey > 0, "GATEHOUSE_PLANS_PER_KEY %d: want a number above 0", c.PlansPerKey)
	check(c.IdleKeys == 0 || c.IdleKeys >= time.Hour, "GATEHOUSE_IDLE_KEYS %s: want at least 1h, or 0 to keep keys for ever", c.IdleKeys)
	faults = append(faults, c.mailFaults()...)
	faults = append(faults, c.operatorsFaults()...)
	c.checkMarketplace(check)
	check(slices.Contains([]string{KeysPerAccount, KeysPerPlan}, c.Keys), "GATEHOUSE_KEYS %q: want account or plan", c.Keys)
	check(c.KeysPerRing >= 1 && c.KeysPerRing <= maxKeysPerRing, "GATEHOUSE_KEYS_PER_RING %d: want 1 to %d", c.KeysPerRing, maxKeysPerRing)
	check(c.KeepEndedKeys >= time.Hour, "GATEHOUSE_KEEP_ENDED_KEYS %s: want at least 1h, so that the last usage of a key can be read", c.KeepEndedKeys)
	check(slices.Contains([]string{MetricsNone, MetricsCloudWatch}, c.Metrics), "GATEHOUSE_METRICS %q: want none or cloudwatch", c.Metrics)
	check(slices.Contains([]string{PProfOff, PProfOn}, c.PProf), "GATEHOUSE_PPROF %q: want on or off", c.PProf)
	check(slices.Contains([]string{"auto", "json", "pretty"}, c.LogFormat), "GATEHOUSE_LOG_FORMAT %q: want auto, json or pretty", c.LogFormat)
	return faults
}

// maxKeysPerRing bounds the control-plane calls of one subscription, which attaches every key.
const maxKeysPerRing = 20

type address struct{ name, value string }

// addresses receive tokens or cookies.
func (c Config) addresses() []address {
	return []address{
		{"GATEHOUSE_BASE_URL", c.BaseURL}, {"GATEHOUSE_OIDC_ISSUER", c.OIDCIssuer}, {"GATEHOUSE_OIDC_JWKS_URL", c.OIDCJWKSURL},
		{"GATEHOUSE_OIDC_AUTH_URL", c.OIDCAuthURL}, {"GATEHOUSE_OIDC_TOKEN_URL", c.OIDCTokenURL},
		{"GATEHOUSE_OIDC_SIGN_UP_URL", c.OIDCSignUpURL}, {"GATEHOUSE_OIDC_SIGN_OUT_URL", c.OIDCSignOutURL},
	}
}

func plainHTTP(value string) bool {
	u, err := url.Parse(value)
	return err == nil && u.Scheme == "http" && !identity.Loopback(u.Hostname())
}

// contactURL returns the contact as the URI that security.txt needs (RFC 9116, section 2.5.3).
func contactURL(contact string) (string, error) {
	if contact == "" {
		return "", nil
	}
	if u, err := url.Parse(contact); err == nil && (u.Scheme == "https" && u.Host != "" || u.Scheme == "mailto" && u.Opaque != "") {
		return u.String(), nil
	}
	a, err := mail.ParseAddress(contact)
	if err != nil || a.Address != contact {
		return "", errors.New("neither an https URL nor an e-mail address")
	}
	return "mailto:" + contact, nil
}

// SignIn is the Need of the portal: an identity provider.
func SignIn(c Config) []error {
	var faults []error
	if c.OIDCIssuer == "" {
		faults = append(faults, errors.New("GATEHOUSE_OIDC_ISSUER is missing: the issuer of the identity provider, as its tokens name it"))
	}
	if c.OIDCClientID == "" {
		faults = append(faults, errors.New("GATEHOUSE_OIDC_CLIENT_ID is missing: the portal's client at the identity provider"))
	}
	return faults
}

func validPrefix(prefix string) bool {
	return prefix != "" && len(prefix) <= 40 && strings.Trim(prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

type lines []error

func joinLines(faults []error) error { return lines(faults) }

func (l lines) Error() string {
	texts := make([]string, len(l))
	for i, err := range l {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "\n  ")
}
