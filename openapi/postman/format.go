package postman

// The parts of the Collection Format v2.1 that Collection writes
// (https://schema.postman.com/collection/json/v2.1.0/draft-07/docs/index.html).

const format = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

type collection struct {
	Info     info       `json:"info"`
	Item     []folder   `json:"item"`
	Auth     *auth      `json:"auth,omitempty"`
	Variable []variable `json:"variable"`
}

type info struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Schema      string `json:"schema"`
}

type folder struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Item        []item `json:"item"`
}

type item struct {
	Name     string     `json:"name"`
	Request  request    `json:"request"`
	Response []response `json:"response"`
}

type request struct {
	Method      string  `json:"method"`
	Description string  `json:"description,omitempty"`
	Auth        *auth   `json:"auth,omitempty"`
	Header      []field `json:"header"`
	URL         address `json:"url"`
	Body        *body   `json:"body,omitempty"`
}

type address struct {
	Raw      string     `json:"raw"`
	Host     []string   `json:"host"`
	Path     []string   `json:"path"`
	Query    []field    `json:"query,omitempty"`
	Variable []variable `json:"variable,omitempty"`
}

type field struct {
	Key         string `json:"key"`
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
	Disabled    bool   `json:"disabled,omitempty"`
}

type variable struct {
	Key         string `json:"key"`
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
}

type body struct {
	Mode    string       `json:"mode"`
	Raw     string       `json:"raw"`
	Options *bodyOptions `json:"options,omitempty"`
}

type bodyOptions struct {
	Raw struct {
		Language string `json:"language"`
	} `json:"raw"`
}

type response struct {
	Name            string  `json:"name"`
	OriginalRequest request `json:"originalRequest"`
	Status          string  `json:"status,omitempty"`
	Code            int     `json:"code"`
	Language        string  `json:"_postman_previewlanguage"`
	Header          []field `json:"header"`
	Body            string  `json:"body"`
}

type auth struct {
	Type   string         `json:"type"`
	APIKey []authProperty `json:"apikey,omitempty"`
	Basic  []authProperty `json:"basic,omitempty"`
	Bearer []authProperty `json:"bearer,omitempty"`
}

type authProperty struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Type  string `json:"type"`
}
