// Money computed and written apart from the portal, to compare with.

/** Minor units of a percentage in basis points, rounded half-even. */
export function percent(net: number, basisPoints: number): number {
  const scaled = net * basisPoints;
  const whole = Math.floor(scaled / 10_000);
  const rest = scaled - whole * 10_000;
  if (rest * 2 === 10_000) return whole % 2 === 0 ? whole : whole + 1;
  return rest * 2 > 10_000 ? whole + 1 : whole;
}

/** Euros as an English reader sees them. */
export function euros(minor: number): string {
  const number = (Math.abs(minor) / 100).toLocaleString("en-US", {
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
  });
  return `${minor < 0 ? "−" : ""}€${number}`;
}
