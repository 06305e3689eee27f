/** What people call a model file: its name without folder, part number and ending. Other names stay as they are. */
export function toModelName(pathOrAlias: string): string {
  if (!/\.gguf$/i.test(pathOrAlias)) return pathOrAlias
  const file = pathOrAlias.slice(Math.max(pathOrAlias.lastIndexOf('/'), pathOrAlias.lastIndexOf('\\')) + 1)
  return file.replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '')
}

/** Whether a name means this model: its id, with the ending too, or another name that the server knows it by. */
export function isNameOf(name: string, { id, names }: { id: string; names: readonly string[] }): boolean {
  return name === id || names.some((other) => other === name || toModelName(other) === toModelName(name))
}
