"""Looking: photos, the instruments, and one module a tool."""
