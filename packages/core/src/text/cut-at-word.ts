/** A line of at most so many characters, and an ellipsis where it was cut: between words, unless that loses half of it. */
export function cutAtWord(line: string, most: number): string {
  if (line.length <= most) return line
  const cut = line.slice(0, most)
  const space = cut.lastIndexOf(' ')
  return `${(space > most / 2 ? cut.slice(0, space) : cut).trimEnd().toWellFormed()}…`
}
