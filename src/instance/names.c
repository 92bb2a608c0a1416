/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/ident.h"

#define TRIES_WITHOUT_NUMBER 3

static const char *const adjectives[] = {
	"able",    "agile",   "airy",     "alert",   "amber",   "ample",  "ancient", "apt",
	"ardent",  "autumn",  "azure",    "balmy",   "bold",    "brave",  "breezy",  "bright",
	"brisk",   "bronze",  "calm",     "candid",  "careful", "cheery", "chief",   "civil",
	"classic", "clear",   "clever",   "coastal", "cobalt",  "cosy",   "crisp",   "curious",
	"daring",  "deft",    "eager",    "early",   "earnest", "easy",   "exact",   "fair",
	"famous",  "fleet",   "fluent",   "fond",    "frank",   "fresh",  "gallant", "gentle",
	"glad",    "golden",  "graceful", "grand",   "handy",   "hardy",  "hearty",  "honest",
	"humble",  "ideal",   "jolly",    "keen",    "kind",    "lively", "lofty",   "loyal",
	"lucid",   "lucky",   "mellow",   "merry",   "mild",    "modest", "neat",    "nimble",
	"noble",   "patient", "placid",   "plucky",  "polite",  "prime",  "proud",   "quick",
	"quiet",   "ready",   "robust",   "rustic",  "sandy",   "serene", "sharp",   "silver",
	"sincere", "snug",    "solid",    "spry",    "stable",  "steady", "stout",   "sturdy",
	"subtle",  "sunny",   "swift",    "tidal",   "tidy",    "trusty", "upbeat",  "valiant",
	"vivid",   "warm",    "wise",     "witty",   "zesty",
};

static const char *const surnames[] = {
	"abel",       "agnesi",       "alhazen",      "ampere",     "anning",    "archimedes",
	"avogadro",   "babbage",      "banach",       "bardeen",    "bernoulli", "bessel",
	"bohr",       "boole",        "bose",         "brahe",      "brunel",    "cannon",
	"cantor",     "carnot",       "carson",       "cauchy",     "chandra",   "clarke",
	"codd",       "copernicus",   "coulomb",      "crick",      "curie",     "darwin",
	"descartes",  "dijkstra",     "dirac",        "edison",     "einstein",  "erdos",
	"euclid",     "euler",        "faraday",      "fermat",     "fermi",     "feynman",
	"fourier",    "franklin",     "galileo",      "galois",     "gauss",     "germain",
	"goedel",     "goodall",      "hamilton",     "hamming",    "hawking",   "heisenberg",
	"herschel",   "hertz",        "hilbert",      "hodgkin",    "hooke",     "hopper",
	"hubble",     "huygens",      "jacobi",       "joule",      "kelvin",    "kepler",
	"khwarizmi",  "knuth",        "kovalevskaya", "lagrange",   "lamarr",    "laplace",
	"lavoisier",  "leavitt",      "leibniz",      "liskov",     "lovelace",  "maxwell",
	"mcclintock", "meitner",      "mendel",       "mendeleev",  "minkowski", "mirzakhani",
	"morse",      "napier",       "nash",         "newton",     "nobel",     "noether",
	"ohm",        "pascal",       "pasteur",      "pauli",      "planck",    "poincare",
	"ptolemy",    "ramanujan",    "riemann",      "ritchie",    "rubin",     "rutherford",
	"sagan",      "schroedinger", "shannon",      "somerville", "stirling",  "tesla",
	"torvalds",   "turing",       "volta",        "wiles",      "wu",        "yalow",
};

static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

int name_check(const char *name, struct error *err)
{
	size_t len = strlen(name);
	bool right = len >= 2 && len <= INSTANCE_NAME_MAX && is_alphanumeric(name[0]);

	for (size_t i = 1; right && i < len; i++)
		right = is_alphanumeric(name[i]) || strchr("_.-", name[i]) != NULL;
	if (right)
		return 0;
	return error_say(err, EINVAL,
			 "Invalid container name (%.*s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
			 "allowed, 2 to %d of them",
			 INSTANCE_NAME_MAX, name, INSTANCE_NAME_MAX);
}

void name_random(unsigned int attempt, char ret[INSTANCE_NAME_MAX + 1])
{
	uint32_t random[2];

	random_bytes(random, sizeof(random));
	const char *adjective = adjectives[random[0] % ARRAY_SIZE(adjectives)];
	const char *surname = surnames[random[1] % ARRAY_SIZE(surnames)];

	if (attempt < TRIES_WITHOUT_NUMBER)
		(void)snprintf(ret, INSTANCE_NAME_MAX + 1, "%s_%s", adjective, surname);
	else
		(void)snprintf(ret, INSTANCE_NAME_MAX + 1, "%s_%s%u", adjective, surname, attempt);
}
