# Unit tests (Check) link the core libraries; command tests are scripts.
