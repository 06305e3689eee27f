/** As Ollama completes a name: without a tag it means `:latest`. A colon before the last slash belongs to a host's port. */
export function normalizeModelName(name: string): string {
  const last = name.slice(name.lastIndexOf('/') + 1)
  return last.includes(':') ? name : `${name}:latest`
}

/** Whether two names mean one model: Ollama knows no case, and leaves out its own registry. */
export function isSameModel(one: string, other: string): boolean {
  return toWhole(one) === toWhole(other)
}

function toWhole(name: string): string {
  const short = normalizeModelName(name).toLowerCase()
  return short.replace(/^(https?:\/\/)?registry\.ollama\.ai\//, '').replace(/^library\//, '')
}
