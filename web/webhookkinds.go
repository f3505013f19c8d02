package web

import (
	"net/http"
	"slices"

	"github.com/gatehouse-portal/gatehouse/notices"
)

type kindsForm struct {
	Groups []settingsGroup
	Some   bool
}

func formOfKinds(chosen []notices.Kind, admin bool) kindsForm {
	form := kindsForm{Some: len(chosen) > 0}
	for _, k := range notices.KindsFor(admin) {
		if n := len(form.Groups); n == 0 || form.Groups[n-1].Name != k.Group {
			form.Groups = append(form.Groups, settingsGroup{Name: k.Group})
		}
		box := settingsBox{Name: "kind", Value: string(k.Kind), Label: k.Label, On: slices.Contains(chosen, k.Kind)}
		group := &form.Groups[len(form.Groups)-1]
		group.Lines = append(group.Lines, settingsLine{Kind: k.Kind, Label: k.Label, Channels: []settingsBox{box}})
	}
	return form
}

// labelOf continues "when" with what makes a notice of the kind.
func labelOf(kind notices.Kind) string {
	for _, k := range notices.Kinds() {
		if k.Kind == kind {
			return k.Label
		}
	}
	return "there is one of the kind " + string(kind)
}

// chosenKinds are those that a form has checked. A request without a form has none.
func chosenKinds(r *http.Request) (kinds []notices.Kind) {
	for _, kind := range r.PostForm["kind"] {
		kinds = append(kinds, notices.Kind(kind))
	}
	return kinds
}
