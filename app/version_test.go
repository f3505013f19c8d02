package app

import (
	"runtime/debug"
	"testing"
)

func TestBuildNamesTheRevisionIfKnown(t *testing.T) {
	t.Parallel()
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "fef5adb0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6"}
	for name, c := range map[string]struct {
		settings []debug.BuildSetting
		want     string
	}{
		"not from a checkout":     {nil, Version},
		"from a checkout":         {[]debug.BuildSetting{revision, {Key: "vcs.time", Value: "2026-11-26T23:00:00Z"}, {Key: "vcs.modified", Value: "false"}}, Version + " (fef5adb0c1d2, 2026-11-26)"},
		"from an edited checkout": {[]debug.BuildSetting{revision, {Key: "vcs.modified", Value: "true"}}, Version + " (fef5adb0c1d2, modified)"},
	} {
		if got := describeBuild(c.settings); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
