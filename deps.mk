# deps.mk: what Debian 12 must have, and how it is installed: quietly, and only if something is missing.
PACKAGES := gcc libc6-dev make flex bison llvm-19-dev zlib1g-dev libpng-dev libjpeg62-turbo-dev libjansson-dev
deps:
	@missing=$$(for p in $(PACKAGES); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	    sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	    echo "installing:" $$missing; \
	    $$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq && \
	    $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
.PHONY: deps
