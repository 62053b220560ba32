/// How a page looks: on a screen in the light or the dark, and on paper.
enum StyleSheet {
    static let report = Markup.literal(
        """
        :root{color-scheme:light dark;--ink:#1b1f24;--faint:#5c6670;--line:#d5dae0;--paper:#fff;--card:#f6f8fa;
        --canary:#b4500b;--baseline:#2463b4;--bad:#b3261e;--good:#1a7f4b;--notice:#8a6100}
        @media (prefers-color-scheme:dark){:root{--ink:#e4e8ec;--faint:#9aa5b1;--line:#3a424b;--paper:#14181d;
        --card:#1d232a;--canary:#f0a35e;--baseline:#7db1f5;--bad:#f28b82;--good:#6fcf97;--notice:#e0b040}}
        *{box-sizing:border-box}
        body{margin:0 auto;max-width:1080px;padding:24px;background:var(--paper);color:var(--ink);
        font:15px/1.5 system-ui,"Segoe UI",Roboto,"Liberation Sans",sans-serif;overflow-wrap:anywhere}
        h1{font-size:22px;line-height:1.35;margin:4px 0 12px}
        h2{font-size:16px;margin:26px 0 8px;border-bottom:1px solid var(--line);padding-bottom:4px}
        p{margin:6px 0}.hint,.faint,figcaption .hint{color:var(--faint)}
        .bad{color:var(--bad)}.good{color:var(--good)}.notice{color:var(--notice)}
        .badge{display:inline-block;border:1px solid currentColor;border-radius:4px;padding:0 8px;margin-right:8px;
        font-size:13px;font-weight:600}
        table{border-collapse:collapse;width:100%;font-size:14px}
        th{text-align:left;color:var(--faint);font-weight:600}
        th,td{padding:4px 10px 4px 0;border-bottom:1px solid var(--line);vertical-align:top}
        td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}td.number{white-space:nowrap}
        .time,.verdict{white-space:nowrap}td.name{min-width:8em}
        code,pre{font:13px/1.45 ui-monospace,"Liberation Mono",monospace}
        pre{background:var(--card);padding:10px;white-space:pre-wrap;margin:8px 0}
        .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(440px,1fr));gap:8px 20px}
        figure{margin:0;break-inside:avoid}figcaption{font-size:14px}svg{width:100%;height:auto;display:block}
        svg text{font-size:12px;fill:var(--faint)}
        svg path{fill:none}.grid{stroke:var(--line);stroke-width:1}
        .reference{stroke:var(--faint);stroke-width:1;stroke-dasharray:2 3}
        .line{stroke-width:2;stroke-linejoin:round;stroke-linecap:round}svg .band{fill:var(--canary);opacity:.18}
        .canary{stroke:var(--canary);--key:var(--canary)}.baseline{stroke:var(--baseline);--key:var(--baseline)}
        .harm{stroke:var(--bad);--key:var(--bad)}.proof{stroke:var(--good);--key:var(--good)}
        .bound{stroke:var(--ink);stroke-dasharray:6 4;--key:var(--ink)}
        .legend{font-size:13px;color:var(--faint);margin:0 0 6px}.legend span{margin-right:16px}
        .key{display:inline-block;width:18px;height:0;border-top:3px solid var(--key);margin-right:6px;
        vertical-align:middle}
        .key.bound{border-top-style:dashed}.key.band{border-top:10px solid var(--canary);opacity:.3}
        .timeline .mark{fill:var(--ink)}.timeline .mark.bad{fill:var(--bad)}.timeline .mark.good{fill:var(--good)}
        .timeline .mark.notice{fill:var(--notice)}.timeline text.on{fill:var(--paper);font-weight:700}
        footer{margin-top:24px;color:var(--faint);font-size:13px}
        @media print{:root{color-scheme:light;--ink:#000;--faint:#444;--line:#bbb;--paper:#fff;--card:#f4f4f4;
        --canary:#b4500b;--baseline:#2463b4;--bad:#b3261e;--good:#1a7f4b;--notice:#8a6100}
        body{max-width:none;padding:0;font-size:9pt;line-height:1.35}h1{font-size:13pt;margin:2pt 0 4pt}
        h2{font-size:10.5pt;margin:8pt 0 3pt;padding-bottom:1pt}p{margin:2pt 0}.badge{font-size:8pt}
        table{font-size:8pt}th,td{padding:1pt 6pt 1pt 0}code,pre{font-size:7.5pt}pre{padding:3pt;margin:3pt 0}
        .charts{grid-template-columns:1fr 1fr;gap:2pt 12pt}.legend,.hint,figcaption{font-size:7.5pt}
        td.name{min-width:5em}
        .charts figure:nth-child(n+7){display:none}svg text{font-size:16px}footer{margin-top:6pt;font-size:7.5pt}
        h2,thead{break-after:avoid}tr,pre{break-inside:avoid}}
        @page{size:A4;margin:12mm}
        """)
}
