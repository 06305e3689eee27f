/** What goes along with one question is bounded, and refused with the numbers where it is more. All in bytes unless said. */
export const limits = {
  text: 8 * 1024 * 1024,
  stdin: 64 * 1024 * 1024,
  image: 20 * 1024 * 1024,
  pdf: 64 * 1024 * 1024,
  pdfPages: 2000,
  /** Of a file that was not named itself but is in a folder. */
  textInFolder: 1024 * 1024,
  filesOfFolder: 2000,
  textOfFolder: 8 * 1024 * 1024,
  /** Entries that are looked at in one folder, with all below it. */
  entriesOfFolder: 50_000,
} as const
