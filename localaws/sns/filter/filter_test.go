package filter

import (
	"errors"
	"strings"
	"testing"
)

func TestAPolicySelectsMessagesByAttributes(t *testing.T) {
	t.Parallel()
	attributes := map[string]Attribute{
		"store":  {"String", "example_corp"},
		"price":  {"Number", "100.50"},
		"sports": {"String.Array", `["rugby","football",7,true,null]`},
		"tag":    {"String.custom", "Red"},
		"blob":   {"Binary", "example"},
		"broken": {"String.Array", "rugby"},
	}
	for _, c := range []struct {
		policy string
		want   bool
	}{
		{`{}`, true},
		{`{"store":["example_corp"]}`, true},
		{`{"store":["other","example_corp"]}`, true},
		{`{"store":["other"]}`, false},
		{`{"store":["EXAMPLE_corp"]}`, false},
		{`{"missing":["example_corp"]}`, false},
		{`{"store":["example_corp"],"price":[100.5]}`, true},
		{`{"store":["example_corp"],"price":[100]}`, false},
		{`{"price":["100.50"]}`, false},
		{`{"store":[{"prefix":"example_"}]}`, true},
		{`{"store":[{"prefix":"corp"}]}`, false},
		{`{"store":[{"suffix":"_corp"}]}`, true},
		{`{"store":[{"suffix":"example"}]}`, false},
		{`{"tag":[{"equals-ignore-case":"rED"}]}`, true},
		{`{"tag":[{"equals-ignore-case":"reds"}]}`, false},
		{`{"price":[{"numeric":["=",100.5]}]}`, true},
		{`{"price":[{"numeric":[">",100.5]}]}`, false},
		{`{"price":[{"numeric":[">=",100.5,"<",101]}]}`, true},
		{`{"price":[{"numeric":[">",0,"<=",100]}]}`, false},
		{`{"store":[{"numeric":["=",1]}]}`, false},
		{`{"store":[{"exists":true}]}`, true},
		{`{"store":[{"exists":false}]}`, false},
		{`{"missing":[{"exists":false}]}`, true},
		{`{"missing":[{"exists":true}]}`, false},
		{`{"blob":[{"exists":true}]}`, false},
		{`{"store":[{"anything-but":"other"}]}`, true},
		{`{"store":[{"anything-but":["other","example_corp"]}]}`, false},
		{`{"store":[{"anything-but":{"prefix":"exa"}}]}`, false},
		{`{"store":[{"anything-but":{"suffix":"x"}}]}`, true},
		{`{"price":[{"anything-but":[100.5]}]}`, false},
		{`{"missing":[{"anything-but":"other"}]}`, false},
		{`{"sports":["tennis","football"]}`, true},
		{`{"sports":["tennis"]}`, false},
		{`{"sports":[7]}`, true},
		{`{"sports":[true]}`, true},
		{`{"sports":[null]}`, true},
		{`{"sports":[{"anything-but":["rugby","football"]}]}`, true},
		{`{"sports":[{"anything-but":["rugby","football",7]}]}`, false},
		{`{"broken":[{"exists":true}]}`, false},
	} {
		p, err := Parse(c.policy, false)
		if err != nil {
			t.Errorf("%s: %v", c.policy, err)
			continue
		}
		if got := p.HoldsOfAttributes(attributes); got != c.want {
			t.Errorf("%s: passes is %v, want %v", c.policy, got, c.want)
		}
	}
}

func TestAPolicySelectsMessagesByBody(t *testing.T) {
	t.Parallel()
	const body = `{
		"store": "example_corp", "price": 10, "gone": null, "paid": false, "empty": [],
		"customer": {"name": "Ann", "address": {"country": "NL"}},
		"items": [{"sku": "a1", "count": 1}, {"sku": "b2", "count": 5}],
		"tags": ["x", "y"]
	}`
	for _, c := range []struct {
		policy, body string
		want         bool
	}{
		{`{}`, "not JSON", true},
		{`{"store":["example_corp"]}`, body, true},
		{`{"store":["example_corp"]}`, "not JSON", false},
		{`{"store":[{"exists":false}]}`, "[]", false},
		{`{"customer":{"name":["Ann"],"address":{"country":[{"prefix":"N"}]}}}`, body, true},
		{`{"customer":{"name":["Ann"],"address":{"country":["DE"]}}}`, body, false},
		{`{"customer":{"phone":[{"exists":false}]}}`, body, true},
		{`{"nobody":{"phone":[{"exists":false}]}}`, body, true},
		{`{"nobody":{"phone":[{"exists":true}]}}`, body, false},
		{`{"customer":[{"exists":true}]}`, body, false},
		{`{"items":{"sku":["b2"],"count":[5]}}`, body, true},
		{`{"items":{"sku":["a1"],"count":[5]}}`, body, false},
		{`{"customer.name":["Ann"]}`, body, true},
		{`{"customer.address.country":["NL"]}`, body, true},
		{`{"customer.address.country":["DE"]}`, body, false},
		{`{"customer.phone":[{"exists":false}]}`, body, true},
		{`{"customer":{"address.country":["NL"]}}`, body, true},
		{`{"a.b":["c"]}`, `{"a.b":"c"}`, true},
		{`{"tags":["y"]}`, body, true},
		{`{"tags":["z"]}`, body, false},
		{`{"gone":[null]}`, body, true},
		{`{"gone":[{"exists":true}]}`, body, true},
		{`{"paid":[false]}`, body, true},
		{`{"price":[{"numeric":[">",9]}]}`, body, true},
		{`{"empty":["x"]}`, body, false},
	} {
		p, err := Parse(c.policy, true)
		if err != nil {
			t.Errorf("%s: %v", c.policy, err)
			continue
		}
		if got := p.HoldsOfBody(c.body); got != c.want {
			t.Errorf("%s: passes is %v, want %v", c.policy, got, c.want)
		}
	}
}

func TestInvalidAndUnsupportedPoliciesAreRefused(t *testing.T) {
	t.Parallel()
	thirteen := `["1","2","3","4","5","6","7","8","9","10","11","12","13"]`
	for _, c := range []struct {
		policy  string
		forBody bool
		want    string
	}{
		{"store", false, "failed to parse JSON"},
		{"[]", false, "failed to parse JSON"},
		{"null", false, "failed to parse JSON"},
		{`{"a":"b"}`, false, "must be an object or an array"},
		{`{"a":[]}`, false, "Empty arrays"},
		{`{"a":{}}`, true, "Empty objects"},
		{`{"a":{"b":["c"]}}`, false, "does not support nested"},
		{`{"a":[["b"]]}`, false, "Match value must be"},
		{`{"a":[{"prefix":1}]}`, false, "must be a string"},
		{`{"a":[{"begins":"b"}]}`, false, "Unrecognized match type begins"},
		{`{"a":[{"prefix":"b","suffix":"c"}]}`, false, "Only one key"},
		{`{"a":[{"exists":"yes"}]}`, false, "either true or false"},
		{`{"a":[{"numeric":["!",1]}]}`, false, "Unrecognized numeric range operator"},
		{`{"a":[{"numeric":["<","1"]}]}`, false, "must be numeric"},
		{`{"a":[{"numeric":["<",1,">",0]}]}`, false, "Bad numeric range"},
		{`{"a":[{"numeric":[">",1,"<"]}]}`, false, "must be an array"},
		{`{"a":[2e9]}`, false, "between"},
		{`{"a":[{"anything-but":[true]}]}`, false, "not supported"},
		{`{"a":[{"anything-but":{"equals":"x"}}]}`, false, "Unsupported anything-but"},
		{`{"1":[1],"2":[1],"3":[1],"4":[1],"5":[1],"6":[1]}`, false, "more than 5 keys"},
		{`{"a":` + thirteen + `,"b":` + thirteen + `}`, false, "too complex"},
		{`{"a":{"b":` + thirteen + `},"c":["1","2","3","4","5","6"]}`, true, "too complex"},
	} {
		_, err := Parse(c.policy, c.forBody)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.policy, err, c.want)
		}
	}
	for _, policy := range []string{`{"a":[{"wildcard":"*"}]}`, `{"a":[{"cidr":"10.0.0.0/8"}]}`, `{"$or":[{"a":["b"]}]}`} {
		if _, err := Parse(policy, false); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v, want not implemented", policy, err)
		}
	}
}
