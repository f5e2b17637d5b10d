export const quotes = [
  { text: 'What we know is a drop, what we do not know is an ocean.', by: 'attributed to Isaac Newton' },
  { text: 'The only way to learn a new programming language is by writing programs in it.', by: 'Kernighan and Ritchie' },
  { text: 'Simplicity is prerequisite for reliability.', by: 'Edsger W. Dijkstra' },
  { text: 'The most dangerous phrase in the language is: we have always done it this way.', by: 'attributed to Grace Hopper' },
  { text: 'A ship in port is safe, but that is not what ships are built for.', by: 'John A. Shedd' },
]
