package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gatehouse-portal/gatehouse/branding"
	"github.com/gatehouse-portal/gatehouse/web"
)

func lookOf(p Process) (func() *branding.Branding, error) {
	if p.Config.Branding == "" {
		return nil, nil
	}
	source, err := branding.Open(p.Config.Branding, web.Palette(), p.Log, p.Now)
	if err != nil {
		return nil, fmt.Errorf("GATEHOUSE_BRANDING: %w", err)
	}
	return source.Current, nil
}

func brandingOf(cfg Config) resource {
	return resource{what: "branding", inspect: func(context.Context) (finding, error) {
		if cfg.Branding == "" {
			return finding{note: "the portal's own look, since GATEHOUSE_BRANDING is not set"}, nil
		}
		_, err := branding.Load(cfg.Branding, web.Palette())
		var faults branding.Faults
		switch {
		case errors.As(err, &faults):
			const advice = "Change the files in the folder that GATEHOUSE_BRANDING names. The portal does not start with them."
			var all []fault
			for _, says := range faults {
				all = append(all, fault{says: strings.TrimSuffix(says, ".") + ".", advice: advice})
			}
			return found(all...)
		case err != nil:
			return found(fault{says: capital(err.Error()) + ".", advice: "Check GATEHOUSE_BRANDING, and whether the portal runs on this machine."})
		}
		return finding{note: cfg.Branding}, nil
	}}
}
