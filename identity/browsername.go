package identity

import "strings"

func browserName(agent string) string {
	name, system := "Unknown browser", ""
	// Later names also claim the earlier ones: Edge claims to be Chrome, which claims to be Safari.
	for _, known := range [][2]string{
		{"Safari/", "Safari"}, {"Chrome/", "Chrome"}, {"Firefox/", "Firefox"}, {"Edg/", "Edge"}, {"OPR/", "Opera"}, {"curl/", "curl"},
	} {
		if strings.Contains(agent, known[0]) {
			name = known[1]
		}
	}
	for _, known := range [][2]string{
		{"Linux", "Linux"}, {"Mac OS X", "macOS"}, {"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"CrOS", "ChromeOS"},
	} {
		if strings.Contains(agent, known[0]) {
			system = " on " + known[1]
		}
	}
	return name + system
}
