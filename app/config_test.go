package app

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
)

func TestConfigHasDefaults(t *testing.T) {
	t.Parallel()
	got, err := LoadConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Prefix: "gatehouse", BaseURL: "http://localhost:8080", Addr: ":8080",
		OIDCGroupsClaim: "cognito:groups", AdminGroup: "admins", SessionTTL: 12 * time.Hour, SessionIdle: 24 * time.Hour,
		MaxConnections: 4096, TrustedProxies: []string{"private"},
		KeyPrefix: "gh", QuotaShare: 0.5, Provisioning: "auto", PlansPerKey: 10, MaxOpenRequests: 50, IdleKeys: 30 * 24 * time.Hour, Offer: "tagged",
		Keys: "account", KeysPerRing: 1, KeepEndedKeys: 30 * time.Hour, RotationCarriesUsage: true,
		Mail: "none", Registration: "open", Metrics: "none", PProf: "off", LogLevel: "info", LogFormat: "auto", MarketplaceRegion: "us-east-1", Trail: "off",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConfigReadsSettings(t *testing.T) {
	t.Parallel()
	got, err := LoadConfig([]string{
		"GATEHOUSE_PREFIX=acme-portal", "GATEHOUSE_BASE_URL=https://portal.example.com/", "GATEHOUSE_ADDR=:3000",
		"GATEHOUSE_OPERATORS_ADDR=127.0.0.1:9090", "GATEHOUSE_OIDC_ISSUER=https://login.example.com", "GATEHOUSE_OIDC_CLIENT_ID=portal",
		"GATEHOUSE_OIDC_CLIENT_SECRET=secret=with=signs", "GATEHOUSE_SESSION_TTL=90m", "GATEHOUSE_SESSION_IDLE=30m",
		"GATEHOUSE_MAX_CONNECTIONS=100", "GATEHOUSE_TRUSTED_PROXIES=private,203.0.113.0/24",
		"GATEHOUSE_CORS_ORIGINS=https://app.example.com,http://localhost:3000", "GATEHOUSE_SECURITY_CONTACT=security@example.com",
		"GATEHOUSE_BRANDING=/etc/gatehouse/branding",
		"GATEHOUSE_QUOTA_SHARE=0.25", "GATEHOUSE_KEYS=plan", "GATEHOUSE_KEYS_PER_RING=5", "GATEHOUSE_KEEP_ENDED_KEYS=48h", "GATEHOUSE_ROTATION_CARRIES_USAGE=false",
		"GATEHOUSE_KEY_PREFIX=acme", "GATEHOUSE_KMS_KEY=alias/acme", "GATEHOUSE_PROVISIONING=single",
		"GATEHOUSE_PLANS_PER_KEY=25", "GATEHOUSE_MAX_OPEN_REQUESTS=7", "GATEHOUSE_IDLE_KEYS=0s", "GATEHOUSE_OFFER=all", "GATEHOUSE_CATALOG=s3://acme-catalog/portal",
		"GATEHOUSE_METRICS=cloudwatch", "GATEHOUSE_PPROF=on", "GATEHOUSE_LOG_LEVEL=debug", "GATEHOUSE_LOG_FORMAT=json", "GATEHOUSE_MAIL=ses", "GATEHOUSE_MAIL_FROM=Acme <portal@acme.example>",
		"GATEHOUSE_MARKETPLACE_ROLE_ARN=arn:aws:iam::111122223333:role/seller", "GATEHOUSE_MARKETPLACE_REGION=us-west-2",
		"GATEHOUSE_MARKETPLACE_TOPICS=arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-abc, arn:aws:sns:us-east-1:287250355862:aws-mp-entitlement-notification-abc",
		"GATEHOUSE_MARKETPLACE_ACCOUNTS=111122223333", "GATEHOUSE_TRAIL=on",
		"GATEHOUSE_REQUIRE=chromium,moto", "PATH=/bin", "AWS_REGION=eu-west-1", "NOT_GATEHOUSE_PREFIX=no", "nonsense",
	}, SignIn)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Prefix: "acme-portal", BaseURL: "https://portal.example.com/", Addr: ":3000", OperatorsAddr: "127.0.0.1:9090",
		OIDCIssuer: "https://login.example.com", OIDCClientID: "portal", OIDCClientSecret: "secret=with=signs",
		OIDCGroupsClaim: "cognito:groups", AdminGroup: "admins", SessionTTL: 90 * time.Minute, SessionIdle: 30 * time.Minute,
		MaxConnections: 100, TrustedProxies: []string{"private", "203.0.113.0/24"},
		CORSOrigins: []string{"https://app.example.com", "http://localhost:3000"}, SecurityContact: "security@example.com", Branding: "/etc/gatehouse/branding", Registration: "open",
		KMSKey: "alias/acme", KeyPrefix: "acme", QuotaShare: 0.25, Trail: "on", Provisioning: "single", PlansPerKey: 25, MaxOpenRequests: 7,
		Keys: "plan", KeysPerRing: 5, KeepEndedKeys: 48 * time.Hour,
		Offer: "all", Catalog: "s3://acme-catalog/portal", Mail: "ses", MailFrom: "Acme <portal@acme.example>", Metrics: "cloudwatch", PProf: "on", LogLevel: "debug", LogFormat: "json",
		MarketplaceRole: "arn:aws:iam::111122223333:role/seller", MarketplaceRegion: "us-west-2", MarketplaceAccounts: []string{"111122223333"},
		MarketplaceTopics: []string{"arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-abc", " arn:aws:sns:us-east-1:287250355862:aws-mp-entitlement-notification-abc"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEachSettingHasItsOwnVariable(t *testing.T) {
	t.Parallel()
	fields := reflect.TypeFor[Config]()
	seen := map[string]string{}
	for i := range fields.NumField() {
		field := fields.Field(i)
		name := field.Tag.Get("env")
		if !strings.HasPrefix(name, "GATEHOUSE_") || seen[name] != "" {
			t.Errorf("%s is read from %q, as %s is", field.Name, name, seen[name])
		}
		seen[name] = field.Name
	}
}

func TestInvalidSettingIsRefused(t *testing.T) {
	t.Parallel()
	for pair, want := range map[string]string{
		"GATEHOUSE_PREFIX=No Way":                              `GATEHOUSE_PREFIX "No Way": want 1 to 40 letters, digits and hyphens`,
		"GATEHOUSE_PREFIX=" + strings.Repeat("a", 41):          "GATEHOUSE_PREFIX",
		"GATEHOUSE_BASE_URL=portal.example.com":                `GATEHOUSE_BASE_URL "portal.example.com": want a scheme and a host`,
		"GATEHOUSE_BASE_URL=https://portal.example.com/path":   "GATEHOUSE_BASE_URL",
		"GATEHOUSE_BASE_URL=https://portal.example.com?q=1":    "GATEHOUSE_BASE_URL",
		"GATEHOUSE_BASE_URL=https://portal.example.com#top":    "GATEHOUSE_BASE_URL",
		"GATEHOUSE_BASE_URL=ftp://portal.example.com":          "GATEHOUSE_BASE_URL",
		"GATEHOUSE_BASE_URL=https://%zz":                       "GATEHOUSE_BASE_URL",
		"GATEHOUSE_MARKETPLACE_ROLE_ARN=seller":                `GATEHOUSE_MARKETPLACE_ROLE_ARN "seller": want the ARN of a role`,
		"GATEHOUSE_MARKETPLACE_REGION=Virginia":                `GATEHOUSE_MARKETPLACE_REGION "Virginia": want a Region, like us-east-1`,
		"GATEHOUSE_MARKETPLACE_TOPICS=my-topic":                `GATEHOUSE_MARKETPLACE_TOPICS "my-topic": want ARNs of SNS topics`,
		"GATEHOUSE_MARKETPLACE_ACCOUNTS=seller":                `GATEHOUSE_MARKETPLACE_ACCOUNTS "seller": want the twelve digits of AWS accounts`,
		"GATEHOUSE_QUOTA_SHARE=0":                              "GATEHOUSE_QUOTA_SHARE 0: want a number above 0 and at most 1",
		"GATEHOUSE_QUOTA_SHARE=1.01":                           "GATEHOUSE_QUOTA_SHARE 1.01",
		"GATEHOUSE_QUOTA_SHARE=-0.5":                           "GATEHOUSE_QUOTA_SHARE -0.5",
		"GATEHOUSE_QUOTA_SHARE=NaN":                            "GATEHOUSE_QUOTA_SHARE NaN",
		"GATEHOUSE_QUOTA_SHARE=half":                           `GATEHOUSE_QUOTA_SHARE "half": want a number`,
		"GATEHOUSE_QUOTA_SHARE=0,5":                            `GATEHOUSE_QUOTA_SHARE "0,5": want a number`,
		"GATEHOUSE_SESSION_TTL=soon":                           `GATEHOUSE_SESSION_TTL "soon": want a duration, like 12h or 90m`,
		"GATEHOUSE_SESSION_TTL=12":                             `GATEHOUSE_SESSION_TTL "12": want a duration`,
		"GATEHOUSE_SESSION_TTL=-1h":                            "GATEHOUSE_SESSION_TTL -1h0m0s: want at least a minute",
		"GATEHOUSE_SESSION_TTL=59s":                            "GATEHOUSE_SESSION_TTL 59s",
		"GATEHOUSE_SESSION_TTL=721h":                           "GATEHOUSE_SESSION_TTL 721h0m0s: want at most 720h (30 days), since",
		"GATEHOUSE_SESSION_IDLE=1m":                            "GATEHOUSE_SESSION_IDLE 1m0s: want at least 5m",
		"GATEHOUSE_BASE_URL=http://portal.example.com":         `GATEHOUSE_BASE_URL "http://portal.example.com": want https; http is for loopback addresses only`,
		"GATEHOUSE_OIDC_ISSUER=http://login.example.com":       `GATEHOUSE_OIDC_ISSUER "http://login.example.com": want https`,
		"GATEHOUSE_OIDC_JWKS_URL=http://login.example.com/k":   "GATEHOUSE_OIDC_JWKS_URL",
		"GATEHOUSE_OIDC_TOKEN_URL=http://10.0.0.1/token":       "GATEHOUSE_OIDC_TOKEN_URL",
		"GATEHOUSE_OIDC_AUTH_URL=http://login.example.com":     "GATEHOUSE_OIDC_AUTH_URL",
		"GATEHOUSE_OIDC_SIGN_UP_URL=http://login.example.com":  "GATEHOUSE_OIDC_SIGN_UP_URL",
		"GATEHOUSE_OIDC_SIGN_OUT_URL=http://login.example.com": "GATEHOUSE_OIDC_SIGN_OUT_URL",
		"GATEHOUSE_MAX_CONNECTIONS=0":                          "GATEHOUSE_MAX_CONNECTIONS 0: want at least 1",
		"GATEHOUSE_MAX_CONNECTIONS=many":                       `GATEHOUSE_MAX_CONNECTIONS "many": want a number`,
		"GATEHOUSE_TRUSTED_PROXIES=load-balancer":              `GATEHOUSE_TRUSTED_PROXIES: "load-balancer" is not an address or a network`,
		"GATEHOUSE_TRUSTED_PROXIES=10.0.0.0/33":                `GATEHOUSE_TRUSTED_PROXIES: "10.0.0.0/33" is not a network`,
		"GATEHOUSE_TRUSTED_PROXIES=none,private":               "GATEHOUSE_TRUSTED_PROXIES",
		"GATEHOUSE_CORS_ORIGINS=*":                             `GATEHOUSE_CORS_ORIGINS "*": want an https origin without a path`,
		"GATEHOUSE_CORS_ORIGINS=https://app.example.com/":      "GATEHOUSE_CORS_ORIGINS",
		"GATEHOUSE_CORS_ORIGINS=http://app.example.com":        "GATEHOUSE_CORS_ORIGINS",
		"GATEHOUSE_SECURITY_CONTACT=the operator":              `GATEHOUSE_SECURITY_CONTACT "the operator": want an https URL or an e-mail address`,
		"GATEHOUSE_SECURITY_CONTACT=http://example.com":        "GATEHOUSE_SECURITY_CONTACT",
		"GATEHOUSE_KEY_PREFIX=4me":                             `GATEHOUSE_KEY_PREFIX: key prefix "4me": want 2 to 8 letters and digits, a letter first`,
		"GATEHOUSE_KEY_PREFIX=a":                               "GATEHOUSE_KEY_PREFIX",
		"GATEHOUSE_LOG_LEVEL=loud":                             `GATEHOUSE_LOG_LEVEL "loud": want debug, info, warn or error`,
		"GATEHOUSE_LOG_LEVEL=7":                                "GATEHOUSE_LOG_LEVEL",
		"GATEHOUSE_METRICS=prometheus":                         `GATEHOUSE_METRICS "prometheus": want none or cloudwatch`,
		"GATEHOUSE_PPROF=true":                                 `GATEHOUSE_PPROF "true": want on or off`,
		"GATEHOUSE_LOG_FORMAT=yaml":                            `GATEHOUSE_LOG_FORMAT "yaml": want auto, json or pretty`,
		"GATEHOUSE_PROVISIONING=bulk":                          `GATEHOUSE_PROVISIONING "bulk": want auto or single`,
		"GATEHOUSE_CATALOG=https://example.com/catalog":        "GATEHOUSE_CATALOG: the catalog folder https://example.com/catalog has an unknown scheme https",
		"GATEHOUSE_CATALOG=s3://":                              "GATEHOUSE_CATALOG: the catalog folder s3:// names no bucket",
		"GATEHOUSE_OFFER=none":                                 `GATEHOUSE_OFFER "none": want tagged or all`,
		"GATEHOUSE_PLANS_PER_KEY=0":                            "GATEHOUSE_PLANS_PER_KEY 0: want a number above 0",
		"GATEHOUSE_PLANS_PER_KEY=many":                         `GATEHOUSE_PLANS_PER_KEY "many": want a number`,
		"GATEHOUSE_IDLE_KEYS=59m":                              "GATEHOUSE_IDLE_KEYS 59m0s: want at least 1h, or 0 to keep keys for ever",
		"GATEHOUSE_IDLE_KEYS=-720h":                            "GATEHOUSE_IDLE_KEYS -720h0m0s: want at least 1h",
		"GATEHOUSE_NONSENSE=1":                                 "GATEHOUSE_NONSENSE is not a setting of Gatehouse",
		"GATEHOUSE_REQUIRED=1":                                 "GATEHOUSE_REQUIRED is not a setting of Gatehouse",
		"GATEHOUSE_=1":                                         "GATEHOUSE_ is not a setting of Gatehouse",
		"GATEHOUSE_MAX_OPEN_REQUESTS=0":                        "GATEHOUSE_MAX_OPEN_REQUESTS 0: want 1 to 500",
		"GATEHOUSE_KEYS=both":                                  `GATEHOUSE_KEYS "both": want account or plan`,
		"GATEHOUSE_KEYS_PER_RING=0":                            "GATEHOUSE_KEYS_PER_RING 0: want 1 to 20",
		"GATEHOUSE_KEYS_PER_RING=21":                           "GATEHOUSE_KEYS_PER_RING 21: want 1 to 20",
		"GATEHOUSE_KEEP_ENDED_KEYS=59m":                        "GATEHOUSE_KEEP_ENDED_KEYS 59m0s: want at least 1h",
		"GATEHOUSE_ROTATION_CARRIES_USAGE=perhaps":             `GATEHOUSE_ROTATION_CARRIES_USAGE "perhaps": want true or false`,
		"GATEHOUSE_MAX_OPEN_REQUESTS=501":                      "GATEHOUSE_MAX_OPEN_REQUESTS 501: want 1 to 500",
	} {
		t.Run(pair, func(t *testing.T) {
			t.Parallel()
			_, err := LoadConfig([]string{pair})
			if err == nil || !strings.HasPrefix(err.Error(), "the configuration is not usable:\n  "+want) || strings.Count(err.Error(), "\n") != 1 {
				t.Errorf("it says: %v\nwant one line: %s", err, want)
			}
		})
	}
}

func TestConfigReportsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := LoadConfig([]string{
		"GATEHOUSE_TYPO=1", "GATEHOUSE_ANOTHER=2", "GATEHOUSE_PREFIX=No Way", "GATEHOUSE_BASE_URL=portal", "GATEHOUSE_QUOTA_SHARE=lots",
		"GATEHOUSE_SESSION_TTL=soon", "GATEHOUSE_KEY_PREFIX=!", "GATEHOUSE_LOG_LEVEL=loud", "GATEHOUSE_LOG_FORMAT=yaml",
		"GATEHOUSE_PROVISIONING=bulk",
	}, SignIn)
	if err == nil {
		t.Fatal("it is taken")
	}
	var named []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		named = append(named, strings.TrimSuffix(name, ":"))
	}
	want := []string{
		"the", "GATEHOUSE_ANOTHER", "GATEHOUSE_TYPO", "GATEHOUSE_SESSION_TTL", "GATEHOUSE_QUOTA_SHARE", "GATEHOUSE_PREFIX", "GATEHOUSE_BASE_URL",
		"GATEHOUSE_PROVISIONING", "GATEHOUSE_KEY_PREFIX", "GATEHOUSE_LOG_LEVEL", "GATEHOUSE_LOG_FORMAT",
		"GATEHOUSE_OIDC_ISSUER", "GATEHOUSE_OIDC_CLIENT_ID",
	}
	if diff := cmp.Diff(want, named); diff != "" {
		t.Errorf("named (-want +got):\n%s\n%v", diff, err)
	}
}

func TestOnlyThePortalNeedsAnIdentityProvider(t *testing.T) {
	t.Parallel()
	if _, err := LoadConfig(nil, SignIn); err == nil || !strings.Contains(err.Error(), "GATEHOUSE_OIDC_ISSUER is missing") {
		t.Errorf("the portal is told: %v", err)
	}
	cfg, err := LoadConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewPortal(t.Context(), Process{Config: cfg}); err == nil || !strings.Contains(err.Error(), "GATEHOUSE_OIDC_CLIENT_ID is missing") {
		t.Errorf("a portal without one is told: %v", err)
	}
}

func TestEndpointOverridesAreReportedOrRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		environ []string
		base    string
		want    []string
		refused string
	}{
		"none":                                    {[]string{"AWS_REGION=eu-west-1", "AWS_ENDPOINT_URL_SQS="}, "", nil, ""},
		"an endpoint on this machine":             {nil, "http://localhost:4566", []string{"http://localhost:4566"}, ""},
		"an endpoint elsewhere":                   {nil, "https://aws.example.com", []string{"https://aws.example.com"}, ""},
		"an endpoint elsewhere without TLS":       {nil, "http://localstack:4566", nil, "AWS_ENDPOINT_URL is http://localstack:4566, perhaps left over from a test: want https"},
		"an endpoint for one service":             {[]string{"AWS_ENDPOINT_URL_SQS=https://vpce.example.com"}, "", []string{"AWS_ENDPOINT_URL_SQS=https://vpce.example.com"}, ""},
		"an endpoint for one service without TLS": {[]string{"AWS_ENDPOINT_URL_KMS=http://10.0.0.1"}, "", nil, "AWS_ENDPOINT_URL_KMS is http://10.0.0.1"},
		"three without TLS": {
			[]string{"AWS_ENDPOINT_URL_KMS=http://10.0.0.1", "AWS_ENDPOINT_URL_SQS=http://10.0.0.2"}, "http://10.0.0.3", nil,
			"AWS_ENDPOINT_URL is http://10.0.0.3, perhaps left over from a test: want https; http is for loopback addresses only\n" +
				"AWS_ENDPOINT_URL_KMS is http://10.0.0.1, perhaps left over from a test: want https; http is for loopback addresses only\n" +
				"AWS_ENDPOINT_URL_SQS is http://10.0.0.2",
		},
		"an endpoint that is ignored": {[]string{"AWS_ENDPOINT_URL_KMS=http://10.0.0.1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"}, "", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := endpointOverrides(c.environ, aws.Config{BaseEndpoint: &c.base})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if (err != nil) != (c.refused != "") || (err != nil && !strings.HasPrefix(err.Error(), c.refused)) {
				t.Errorf("it says %v, want %q", err, c.refused)
			}
		})
	}
}
