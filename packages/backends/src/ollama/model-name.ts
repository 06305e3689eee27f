/** As Ollama completes a name: without a tag it means `:latest`. A colon before the last slash belongs to a host's port. */
export function normalizeModelName(name: string): string {
  const last = name.slice(name.lastIndexOf('/') + 1)
  return last.includes(':') ? name : `${name}:latest`
}
