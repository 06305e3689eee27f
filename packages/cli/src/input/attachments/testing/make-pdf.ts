/** A PDF with a page for each text, as small as one can be. `locked`: it asks for a password. */
export function makePdf(pages: readonly string[], options: { locked?: boolean } = {}): Buffer {
  const kids = pages.map((_, index) => `${3 + 2 * index} 0 R`).join(' ')
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    ...pages.flatMap((text, index) => {
      const stream = text === '' ? '' : `BT /F1 12 Tf 72 720 Td (${text}) Tj ET`
      const font = '<< /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>'
      const page = `/Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font ${font} >>`
      return [
        `<< ${page} /Contents ${4 + 2 * index} 0 R >>`,
        `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
      ]
    }),
  ]
  const secret = `<${'41'.repeat(32)}>`
  if (options.locked) objects.push(`<< /Filter /Standard /V 1 /R 2 /O ${secret} /U ${secret} /P -4 >>`)
  let file = '%PDF-1.4\n'
  const offsets = objects.map((object, index) => {
    const offset = file.length
    file += `${index + 1} 0 obj\n${object}\nendobj\n`
    return `${String(offset).padStart(10, '0')} 00000 n \n`
  })
  const encrypt = options.locked ? ` /Encrypt ${objects.length} 0 R` : ''
  const trailer = `<< /Size ${objects.length + 1} /Root 1 0 R /ID [<00> <00>]${encrypt} >>`
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join('')}`
  return Buffer.from(`${file}${table}trailer\n${trailer}\nstartxref\n${file.length}\n%%EOF\n`, 'latin1')
}
