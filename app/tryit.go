package app

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/tryit"
)

func newConsole(p Process, shelves tryit.Shelves, values tryit.Values) *tryit.Console {
	hosts := privateHosts(p.Config, p.AWS)
	sender := tryit.NewSender(tryit.SenderConfig{AllowPrivate: func(host string) bool { return slices.Contains(hosts, host) }})
	return tryit.NewConsole(shelves, values, sender, p.now())
}

func privateHosts(c Config, awsConfig aws.Config) []string {
	var hosts []string
	for _, host := range c.TryPrivateHosts {
		hosts = append(hosts, strings.TrimSuffix(strings.ToLower(host), "."))
	}
	if localAWS(awsConfig) {
		u, _ := url.Parse(aws.ToString(awsConfig.BaseEndpoint))
		hosts = append(hosts, strings.ToLower(u.Hostname()))
	}
	return hosts
}

func localAWS(awsConfig aws.Config) bool {
	u, err := url.Parse(aws.ToString(awsConfig.BaseEndpoint))
	return err == nil && identity.Loopback(u.Hostname())
}

func isHost(text string) bool {
	u, err := url.Parse("https://" + text)
	if strings.Contains(text, ":") { // IPv6, which URLs put in brackets
		u, err = url.Parse("https://[" + text + "]")
	}
	return err == nil && text != "" && u.Hostname() == text && u.Port() == "" && u.User == nil && u.Path == "" && u.RawQuery == "" && u.Fragment == ""
}

func (p proxies) withAddress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(tryit.WithAddress(r.Context(), p.client(r))))
	})
}
