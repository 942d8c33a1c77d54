/** What a trivial native tool would do. */
export default function echo({ text }) {
  return text;
}
