package apigateway

import (
	"maps"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// methodSetting is a stage's settings for a method or for allMethods. Only the throttle has
// an effect. Caches and logs cannot be turned on; other settings are only stored.
type methodSetting struct {
	MetricsEnabled                         bool    `json:"metricsEnabled"`
	LoggingLevel                           string  `json:"loggingLevel"`
	DataTraceEnabled                       bool    `json:"dataTraceEnabled"`
	ThrottlingBurstLimit                   int     `json:"throttlingBurstLimit"`
	ThrottlingRateLimit                    float64 `json:"throttlingRateLimit"`
	CachingEnabled                         bool    `json:"cachingEnabled"`
	CacheTTLInSeconds                      int     `json:"cacheTtlInSeconds"`
	CacheDataEncrypted                     bool    `json:"cacheDataEncrypted"`
	RequireAuthorizationForCacheControl    bool    `json:"requireAuthorizationForCacheControl"`
	UnauthorizedCacheControlHeaderStrategy string  `json:"unauthorizedCacheControlHeaderStrategy"`
}

const allMethods = "*/*"

// defaultSetting holds AWS's defaults, with the throttle of a new account.
var defaultSetting = methodSetting{
	LoggingLevel: "OFF", ThrottlingBurstLimit: 5000, ThrottlingRateLimit: 10_000, CacheTTLInSeconds: 300,
	RequireAuthorizationForCacheControl: true, UnauthorizedCacheControlHeaderStrategy: "SUCCEED_WITH_RESPONSE_HEADER",
}

var settingCategories = []string{"/throttling/", "/metrics/", "/logging/", "/caching/"}

// settingOf parses the patch path of one setting,
// /{resource_path}/{http_method}/{category}/{name}, or of the removal of all,
// /{resource_path}/{http_method}.
func settingOf(p patch) (method, setting string, ok bool) {
	for _, category := range settingCategories {
		if at := strings.LastIndex(p.Path, category); at > 0 {
			return settingKey(p.Path[:at]), p.Path[at+1:], true
		}
	}
	if verb := p.Path[strings.LastIndexByte(p.Path, '/')+1:]; p.Op == "remove" && strings.ToUpper(verb) == verb && strings.Count(p.Path, "/") > 1 {
		return settingKey(p.Path), "", true
	}
	return "", "", false
}

// settingKey is a method's key in a stage's settings: without leading slash or escaping.
func settingKey(path string) string { return strings.TrimPrefix(methodName(path), "/") }

func (st *stage) patchSetting(p patch, method, setting string) error {
	st.MethodSettings = maps.Clone(st.MethodSettings)
	have, known := st.MethodSettings[method]
	switch {
	case p.Op == "remove" && setting == "":
		delete(st.MethodSettings, method)
		return nil
	case p.Op != "replace":
		return p.invalid("/{resourcePath}/{httpMethod}/throttling/burstLimit", "/{resourcePath}/{httpMethod}/throttling/rateLimit")
	case !known:
		have = defaultSetting
	}
	if err := have.set(p, setting); err != nil {
		return err
	}
	if st.MethodSettings == nil {
		st.MethodSettings = map[string]methodSetting{}
	}
	st.MethodSettings[method] = have
	return nil
}

func (m *methodSetting) set(p patch, setting string) (err error) {
	switch setting {
	case "throttling/burstLimit":
		m.ThrottlingBurstLimit, err = strconv.Atoi(p.Value)
	case "throttling/rateLimit":
		m.ThrottlingRateLimit, err = strconv.ParseFloat(p.Value, 64)
	case "metrics/enabled":
		return p.boolean(&m.MetricsEnabled)
	case "caching/ttlInSeconds":
		m.CacheTTLInSeconds, err = strconv.Atoi(p.Value)
	case "caching/dataEncrypted":
		return p.boolean(&m.CacheDataEncrypted)
	case "caching/requireAuthorizationForCacheControl":
		return p.boolean(&m.RequireAuthorizationForCacheControl)
	case "caching/unauthorizedCacheControlHeaderStrategy":
		m.UnauthorizedCacheControlHeaderStrategy = p.Value
	case "caching/enabled", "logging/dataTrace":
		return p.off()
	case "logging/loglevel":
		if p.Value != "OFF" {
			return wire.NotImplemented("A stage's log")
		}
	default:
		return p.invalid("/{resourcePath}/{httpMethod}/throttling/burstLimit", "/{resourcePath}/{httpMethod}/throttling/rateLimit")
	}
	if err != nil {
		return badRequest("Invalid value specified for %s: %s", p.Path, p.Value)
	}
	return nil
}

// limit returns the stage's throttle for a method, nil if its rate or burst is
// negative.
func (st stage) limit(id stageID, method string) (limit *throttle, bucket string) {
	for _, key := range []string{strings.TrimPrefix(method, "/"), allMethods} {
		m, ok := st.MethodSettings[key]
		switch {
		case !ok:
			continue
		case m.ThrottlingRateLimit < 0 || m.ThrottlingBurstLimit < 0:
			return nil, ""
		}
		// Each method has its own bucket, even if all have the same limit.
		return &throttle{RateLimit: m.ThrottlingRateLimit, BurstLimit: m.ThrottlingBurstLimit}, "stage " + id.APIID + ":" + id.Stage + method
	}
	return nil, ""
}
