interface DataTableProps {
  /** What the region that scrolls is called. */
  readonly label: string;
  readonly caption: string;
  readonly columns: readonly string[];
  /** Rows of the body. */
  readonly children: React.ReactNode;
}

/** A table with its caption and the heads of its columns; what is too wide scrolls, by keyboard too. */
export function DataTable({ label, caption, columns, children }: DataTableProps) {
  return (
    <div className="table-wrap" tabIndex={0} role="region" aria-label={label}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
