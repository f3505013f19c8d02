package stacks

import (
	"fmt"
	"io/fs"

	"github.com/gatehouse-portal/gatehouse/deploy"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
)

// layer is one of the stacks that a portal can have. Stacks are created in the order of allLayers, and deleted
// in reverse.
type layer struct {
	template, suffix string
	// holdsData means that the stack's resources hold data and stay when the stack is deleted.
	holdsData bool
	// region is where the stack must be, or "" if it is in the portal's Region.
	region string
}

var dataLayer = layer{template: "data", holdsData: true}

var identityLayer = layer{template: "identity", suffix: "-identity", holdsData: true}

// AWS Marketplace sends its notices in this Region only.
var marketplaceLayer = layer{template: "marketplace", suffix: "-marketplace", region: "us-east-1"}

var demoLayer = layer{template: "demo", suffix: "-demo"}

var allLayers = []layer{
	dataLayer,
	marketplaceLayer,
	{template: "trail", suffix: "-trail"},
	{template: "permissions", suffix: "-permissions"},
	identityLayer,
	{template: "endpoints", suffix: "-endpoints"},
	{template: "lambda", suffix: "-lambda"},
	{template: "containers", suffix: "-containers"},
	{template: "cdn", suffix: "-cdn"},
	{template: "operations", suffix: "-operations"},
	demoLayer,
}

func (l layer) text() (string, error) {
	text, err := fs.ReadFile(deploy.Templates, "cloudformation/"+l.template+".yaml")
	if err != nil {
		return "", fmt.Errorf("reading the template %s: %w", l.template, err)
	}
	return string(text), nil
}

func (l layer) read() (template.Template, error) {
	text, err := l.text()
	if err != nil {
		return template.Template{}, err
	}
	t, err := template.Parse([]byte(text))
	if err != nil {
		return t, fmt.Errorf("reading the template %s: %w", l.template, err)
	}
	return t, nil
}

// runs reports whether portal and workers run in this stack.
func (l layer) runs() bool { return l.template == "lambda" || l.template == "containers" }

// wants reports whether Deploy creates or updates the stack of this layer. exists says whether the stack
// exists.
func (s Settings) wants(l layer, exists bool) bool {
	switch l.template {
	case "identity":
		return s.Issuer == "" || exists
	case "lambda":
		return s.Run == Lambda
	case "containers":
		return s.Run == Containers || s.Run == Small
	case "demo", "endpoints", "cdn", "marketplace", "trail":
		return s.Options.wants(l) || exists
	}
	return true
}
